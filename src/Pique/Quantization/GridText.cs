using System.Globalization;
using Pique.Configuration;
using Pique.Numerics;

namespace Pique.Quantization;

/// <summary>The grids in words, for tables and messages.</summary>
public static class GridText
{
    /// <summary>The grid a weight is trained on: "two's complement", "affine", "half-integer", "two-level 256/16" or "pi-scaled (k = 4)".</summary>
    /// <param name="spec">How the weight is quantized.</param>
    public static string Of(WeightQuantizationSpec spec)
    {
        string? pi = spec switch
        {
            { PiK: null } => null,
            { PiKPerChannel: true } => "pi-scaled (k per channel)",
            { PiK: { } k } => Text($"pi-scaled (k = {k})"),
        };
        return Join(Of(spec.Kind, spec.TwoLevelScales, spec.Granularity), pi);
    }

    /// <summary>The grid a packed weight is held on; "pi/4" where its scales were trained as α·π/4.</summary>
    /// <param name="tensor">The weight.</param>
    public static string Of(QuantizedTensor tensor) =>
        Join(Of(tensor.Grid.Kind, tensor.SubScales is not null, tensor.Granularity), tensor.PiK is { } k ? Text($"pi/{k}") : null);

    /// <summary>Where the levels lie and how scales are held, whether or not the grid is called pi.</summary>
    /// <param name="kind">Where the levels lie.</param>
    /// <param name="twoLevelScales">Whether scales have two levels.</param>
    /// <param name="granularity">Which weights share a scale, for the sizes of the two levels; null leaves them out.</param>
    public static string Of(GridKind kind, bool twoLevelScales, QuantGranularity? granularity = null) => (kind, twoLevelScales) switch
    {
        (GridKind.TwosComplement, true) => granularity is QuantGranularity.PerBlock block ? Text($"two-level {TwoLevelScale.SuperBlockWeights}/{block.BlockSize}") : "two-level",
        (GridKind.TwosComplement, _) => "two's complement",
        (GridKind.Affine, _) => "affine",
        (GridKind.HalfInteger, _) => "half-integer",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Unknown grid."),
    };

    // The pi grid of two's complement is "the" pi grid: only departures from it need a second word.
    private static string Join(string levels, string? pi) => pi is null ? levels : levels == "two's complement" ? pi : $"{levels}, {pi}";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
