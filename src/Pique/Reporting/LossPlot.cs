using ScottPlot;

namespace Pique.Reporting;

/// <summary>Draws the course of a training run.</summary>
public static class LossPlot
{
    private const int WidthPixels = 860;
    private const int HeightPixels = 320;

    /// <summary>Share of the running mean kept from step to step, so that the trend shows through the noise of single batches.</summary>
    private const double Smoothing = 0.9;

    /// <summary>Plots smoothed losses over steps.</summary>
    /// <param name="series">Name and value per step of each curve; a curve of zeros only is left out.</param>
    /// <returns>An SVG element.</returns>
    public static string Draw(IReadOnlyList<(string Name, IReadOnlyList<double> Values)> series)
    {
        using var plot = new Plot();
        foreach ((string name, IReadOnlyList<double> values) in series)
        {
            if (values.Any(value => value != 0))
            {
                plot.Add.Signal(Smooth(values)).LegendText = name;
            }
        }

        plot.XLabel("step");
        plot.YLabel("loss");
        plot.ShowLegend(Alignment.UpperRight);
        string document = plot.GetSvgXml(WidthPixels, HeightPixels);
        return document[document.IndexOf("<svg", StringComparison.Ordinal)..];
    }

    private static double[] Smooth(IReadOnlyList<double> values)
    {
        double[] smoothed = new double[values.Count];
        double mean = 0;
        for (int step = 0; step < values.Count; step++)
        {
            mean = (Smoothing * mean) + ((1 - Smoothing) * values[step]);
            smoothed[step] = mean / (1 - Math.Pow(Smoothing, step + 1));
        }

        return smoothed;
    }
}
