using Pique.Configuration;
using Pique.Numerics;

namespace Pique.Quantization;

/// <summary>Says how each layer's weight is quantized.</summary>
/// <remarks>
/// The last override whose pattern matches decides. An override keeps the recipe's estimator, dampening and symmetry; one that states
/// bits of its own leaves the grid, which belongs to the bits the configuration chose, for the uniform grid of two's complement or,
/// where the configuration is not symmetric, the affine grid.
/// </remarks>
public sealed class QuantizationPolicy
{
    private readonly GridKind _impliedKind;
    private readonly IReadOnlyList<LayerOverride> _overrides;

    private QuantizationPolicy(WeightQuantizationSpec baseSpec, GridKind impliedKind, IReadOnlyList<LayerOverride> overrides)
    {
        Base = baseSpec;
        _impliedKind = impliedKind;
        _overrides = overrides;
    }

    /// <summary>How a weight that no override names is quantized.</summary>
    public WeightQuantizationSpec Base { get; }

    /// <summary>Builds the policy of a recipe.</summary>
    /// <param name="recipe">A recipe whose quantization is valid.</param>
    /// <returns>The policy.</returns>
    public static QuantizationPolicy From(Recipe recipe)
    {
        QatConfig qat = recipe.Qat;
        GridKind kind = recipe.Grid == WeightGrid.HalfInteger ? GridKind.HalfInteger : ImpliedKind(qat);
        WeightQuantizationSpec spec = new(qat.Bits, qat.Granularity, recipe.Estimator ?? qat.SteVariant, qat.PiK, kind)
        {
            TwoLevelScales = recipe.Grid == WeightGrid.TwoLevel,
            PiKPerChannel = recipe.PiKPerChannel,
            OscillationDampening = recipe.OscillationDampening,
        };
        return new(spec, ImpliedKind(qat), recipe.Overrides);
    }

    /// <summary>Builds the policy of a configuration alone, on the grid that it implies.</summary>
    /// <param name="qat">The configuration.</param>
    /// <param name="overrides">Departures from it, the last match wins.</param>
    /// <returns>The policy.</returns>
    public static QuantizationPolicy From(QatConfig qat, IReadOnlyList<LayerOverride> overrides) => From(new Recipe { Qat = qat, Overrides = overrides });

    /// <summary>How a layer's weight is quantized.</summary>
    /// <param name="layerName">Checkpoint name of the layer, without ".weight".</param>
    /// <returns>The specification, or null for full precision.</returns>
    public WeightQuantizationSpec? SpecFor(string layerName)
    {
        LayerOverride? departure = _overrides.LastOrDefault(candidate => candidate.Matches(layerName));
        return departure switch
        {
            null => Base,
            { FullPrecision: true } => null,
            { Bits: { } bits } => Base with
            {
                Bits = bits,
                Granularity = departure.Granularity ?? Base.Granularity,
                PiK = null,
                PiKPerChannel = false,
                Kind = _impliedKind,
                TwoLevelScales = false,
            },
            _ => Base with { Granularity = departure.Granularity ?? Base.Granularity },
        };
    }

    private static GridKind ImpliedKind(QatConfig qat) => qat.Symmetric ? GridKind.TwosComplement : GridKind.Affine;
}
