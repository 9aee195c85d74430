using ScottPlot;
using ScottPlot.Plottables;

namespace Pique.Reporting;

/// <summary>Draws the course of a training run.</summary>
public static class LossPlot
{
    private const int WidthPixels = 860;
    private const int HeightPixels = 320;

    /// <summary>Share of the running mean kept from step to step, so that the trend shows through the noise of single batches.</summary>
    private const double Smoothing = 0.9;

    /// <summary>Plots smoothed losses over steps, counted from 1.</summary>
    /// <param name="series">Name and value per step of each curve, NaN where a step has none; a curve without a finite value other than 0 is left out.</param>
    /// <returns>An SVG element.</returns>
    public static string Draw(IReadOnlyList<(string Name, IReadOnlyList<double> Values)> series)
    {
        using var plot = new Plot();
        foreach ((string name, IReadOnlyList<double> values) in series)
        {
            if (values.Any(value => double.IsFinite(value) && value != 0))
            {
                (int firstStep, double[] means) = Smooth(values);
                Signal curve = plot.Add.Signal(means);
                curve.Data.XOffset = firstStep;
                curve.LegendText = name;
            }
        }

        plot.XLabel("step");
        plot.YLabel("loss");
        plot.ShowLegend(Alignment.UpperRight);
        return PlotSvg.Render(plot, WidthPixels, HeightPixels);
    }

    /// <summary>Exponential running mean over the finite values, Σ 0.9^age·value ÷ Σ 0.9^age; a step without one keeps the mean before it.</summary>
    /// <param name="values">Value per step, at least one of them finite.</param>
    /// <returns>The first step with a finite value, counted from 1, and the mean at each step from there on.</returns>
    internal static (int FirstStep, double[] Means) Smooth(IReadOnlyList<double> values)
    {
        int skipped = values.TakeWhile(value => !double.IsFinite(value)).Count();
        double[] means = new double[values.Count - skipped];
        double sum = 0;
        double weight = 0;
        for (int index = 0; index < means.Length; index++)
        {
            double value = values[skipped + index];
            if (double.IsFinite(value))
            {
                sum = (Smoothing * sum) + value;
                weight = (Smoothing * weight) + 1;
            }

            means[index] = sum / weight;
        }

        return (skipped + 1, means);
    }
}
