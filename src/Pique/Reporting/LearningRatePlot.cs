using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;

namespace Pique.Reporting;

/// <summary>Draws the loss over a rising learning rate.</summary>
public static class LearningRatePlot
{
    private const int WidthPixels = 860;
    private const int HeightPixels = 420;

    /// <summary>Draws the curve over the decimal logarithm of the rate, with a line at the suggested one.</summary>
    /// <param name="rates">Learning rates, rising.</param>
    /// <param name="losses">Loss at each.</param>
    /// <param name="smoothedLosses">Its running mean.</param>
    /// <param name="suggestedRate">Where the line is drawn.</param>
    /// <returns>A PNG file.</returns>
    public static byte[] Draw(IReadOnlyList<double> rates, IReadOnlyList<double> losses, IReadOnlyList<double> smoothedLosses, double suggestedRate)
    {
        using var plot = new Plot();
        double[] logarithms = [.. rates.Select(Math.Log10)];
        Scatter single = plot.Add.ScatterPoints(logarithms, losses.ToArray());
        single.LegendText = "loss";
        Scatter smoothed = plot.Add.ScatterLine(logarithms, smoothedLosses.ToArray());
        smoothed.LegendText = "running mean";
        VerticalLine line = plot.Add.VerticalLine(Math.Log10(suggestedRate));
        line.LegendText = "suggested";
        plot.Axes.Bottom.TickGenerator = new NumericAutomatic { LabelFormatter = exponent => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Math.Pow(10, exponent):0.#e+0}") };
        plot.XLabel("learning rate of the weights");
        plot.YLabel("loss");
        plot.ShowLegend(Alignment.UpperLeft);
        return plot.GetImageBytes(WidthPixels, HeightPixels, ImageFormat.Png);
    }
}
