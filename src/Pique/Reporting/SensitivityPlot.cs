using System.Globalization;
using System.Text;
using Pique.Calibration;
using Pique.Formats;
using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;

namespace Pique.Reporting;

/// <summary>Draws what each bit width costs in each layer, on a logarithmic scale: predicted losses as lines, measured ones as crosses, a ring round the width that was chosen.</summary>
public static class SensitivityPlot
{
    private const int HeightPixels = 560;
    private const int LeastWidthPixels = 640;
    private const int LayerPixels = 22;
    private const int MarginPixels = 220;

    /// <summary>Losses below this, noise among them, are drawn here: a logarithm has no place for them.</summary>
    private const double LeastNats = 1e-7;

    private const float RingPixels = 14;

    /// <summary>Draws the layers.</summary>
    /// <param name="layers">Layers, at least one.</param>
    /// <returns>An SVG element.</returns>
    public static string Draw(IReadOnlyList<LayerSensitivity> layers)
    {
        using var plot = new Plot();
        double[] places = [.. Enumerable.Range(0, layers.Count).Select(place => (double)place)];
        for (int width = 0; width < layers[0].Costs.Count; width++)
        {
            int choice = width;
            Scatter curve = plot.Add.Scatter(places, [.. layers.Select(layer => Height(layer.Costs[choice].PredictedNats))]);
            curve.LegendText = Text($"{layers[0].Costs[width].Bits} bits");
            if (layers.All(layer => layer.Costs[choice].MeasuredNats is not null))
            {
                Scatter measured = plot.Add.ScatterPoints(places, [.. layers.Select(layer => Height(layer.Costs[choice].MeasuredNats!.Value))], curve.Color);
                measured.MarkerShape = MarkerShape.Cross;
            }
        }

        foreach ((LayerSensitivity layer, int place) in layers.Select((layer, place) => (layer, place)))
        {
            if (layer.ChosenBits is { } bits && layer.Costs.ToList().FindIndex(cost => cost.Bits == bits) is var choice and >= 0)
                plot.Add.Marker(place, Height(layer.Costs[choice].PredictedNats), MarkerShape.OpenCircle, RingPixels, Colors.Black);
        }

        plot.Axes.Left.TickGenerator = new NumericAutomatic { LabelFormatter = exponent => Math.Pow(10, exponent).ToString("0.#e+0", CultureInfo.InvariantCulture), IntegerTicksOnly = true };
        plot.Axes.Bottom.TickGenerator = new NumericManual([.. layers.Select((layer, place) => new Tick(place, layer.Name))]);
        plot.Axes.Bottom.TickLabelStyle.Rotation = 90;
        plot.Axes.Bottom.TickLabelStyle.Alignment = Alignment.MiddleLeft;
        plot.Axes.Bottom.MinimumSize = layers.Max(layer => layer.Name.Length) * 7;
        plot.YLabel("rise of the loss, nats per token");
        plot.ShowLegend(Edge.Right); // Curves fill the plot.
        return PlotSvg.Render(plot, Math.Max(LeastWidthPixels, (layers.Count * LayerPixels) + MarginPixels), HeightPixels);
    }

    /// <summary>Path of the plot that belongs to a calibration file: "calibration.sensitivity.svg" beside "calibration.json".</summary>
    /// <param name="calibrationPath">Path of the calibration file.</param>
    public static string PathBeside(string calibrationPath) => Path.ChangeExtension(calibrationPath, ".sensitivity.svg");

    /// <summary>Draws the layers into a file that is whole or absent.</summary>
    /// <param name="path">File to write.</param>
    /// <param name="layers">Layers, at least one.</param>
    /// <returns>The path.</returns>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public static string Save(string path, IReadOnlyList<LayerSensitivity> layers)
    {
        string svg = Draw(layers);
        string standalone = svg.Contains("xmlns=", StringComparison.Ordinal) ? svg : svg.Replace("<svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"", StringComparison.Ordinal);
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(standalone + "\n")));
        return path;
    }

    private static double Height(double nats) => Math.Log10(Math.Max(LeastNats, double.IsFinite(nats) ? nats : double.MaxValue));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
