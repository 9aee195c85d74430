using System.Globalization;
using Pique.Calibration;

namespace Pique.Reporting;

/// <summary>The sensitivity of layers as a table: what each bit width costs.</summary>
public static class SensitivityTable
{
    private const double Thousandth = 1e-3;

    /// <summary>What the cells say.</summary>
    /// <param name="layers">Layers, at least one.</param>
    public static string Caption(IReadOnlyList<LayerSensitivity> layers) =>
        $"Rise of the loss at each bit width, thousandths of a nat per token: predicted{(IsMeasured(layers) ? " / measured" : "")}.";

    /// <summary>Column names.</summary>
    /// <param name="layers">Layers, at least one.</param>
    public static IReadOnlyList<string> Header(IReadOnlyList<LayerSensitivity> layers) =>
    [
        "layer",
        "weights",
        .. layers[0].Costs.Select(cost => Text($"{cost.Bits} bits")),
        .. IsChosen(layers) ? ["chosen"] : Array.Empty<string>(),
    ];

    /// <summary>A row for each layer.</summary>
    /// <param name="layers">Layers, at least one.</param>
    public static IEnumerable<IReadOnlyList<string>> Rows(IReadOnlyList<LayerSensitivity> layers) => layers.Select(layer => (IReadOnlyList<string>)
    [
        layer.Name,
        Text($"{layer.WeightCount:N0}"),
        .. layer.Costs.Select(cost => cost.MeasuredNats is { } measured ? $"{Nats(cost.PredictedNats)} / {Nats(measured)}" : Nats(cost.PredictedNats)),
        .. IsChosen(layers) ? [layer.ChosenBits is { } bits ? Text($"{bits}") : "–"] : Array.Empty<string>(),
    ]);

    private static bool IsMeasured(IReadOnlyList<LayerSensitivity> layers) => layers.Any(layer => layer.Costs.Any(cost => cost.MeasuredNats is not null));

    private static bool IsChosen(IReadOnlyList<LayerSensitivity> layers) => layers.Any(layer => layer.ChosenBits is not null);

    private static string Nats(double nats) => Text($"{nats / Thousandth:F2}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
