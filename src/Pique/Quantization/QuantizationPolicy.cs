using Pique.Configuration;
using Pique.Numerics;

namespace Pique.Quantization;

/// <summary>Says how each layer's weight is quantized.</summary>
/// <remarks>
/// The last override whose pattern matches decides. An override keeps the configuration's estimator and symmetry; one that states
/// bits of its own leaves the pi grid, which belongs to the bits the configuration chose, for the uniform grid.
/// </remarks>
public sealed class QuantizationPolicy
{
    private readonly WeightQuantizationSpec _base;
    private readonly IReadOnlyList<LayerOverride> _overrides;

    private QuantizationPolicy(WeightQuantizationSpec baseSpec, IReadOnlyList<LayerOverride> overrides)
    {
        _base = baseSpec;
        _overrides = overrides;
    }

    /// <summary>Builds the policy of a recipe.</summary>
    /// <param name="qat">The configuration.</param>
    /// <param name="overrides">Departures from it, the last match wins.</param>
    /// <returns>The policy.</returns>
    public static QuantizationPolicy From(QatConfig qat, IReadOnlyList<LayerOverride> overrides) =>
        new(new(qat.Bits, qat.Granularity, qat.SteVariant, qat.PiK, qat.Symmetric ? GridKind.TwosComplement : GridKind.Affine), overrides);

    /// <summary>How a layer's weight is quantized.</summary>
    /// <param name="layerName">Checkpoint name of the layer, without ".weight".</param>
    /// <returns>The specification, or null for full precision.</returns>
    public WeightQuantizationSpec? SpecFor(string layerName)
    {
        LayerOverride? departure = _overrides.LastOrDefault(candidate => candidate.Matches(layerName));
        return departure switch
        {
            null => _base,
            { FullPrecision: true } => null,
            _ => _base with
            {
                Bits = departure.Bits ?? _base.Bits,
                Granularity = departure.Granularity ?? _base.Granularity,
                PiK = departure.Bits is null ? _base.PiK : null,
            },
        };
    }
}
