using Pique.Configuration;
using Pique.Numerics;

namespace Pique.Quantization;

/// <summary>Says how each layer's weight is quantized.</summary>
/// <remarks>
/// The last override whose pattern matches decides. An override keeps the recipe's estimator, dampening and symmetry; one that states
/// bits of its own leaves the grid, which belongs to the bits the configuration chose, for the uniform grid of two's complement or,
/// where the configuration is not symmetric, the affine grid. Bits that an override leaves to calibration are unknown until
/// <see cref="WithBits"/> tells them.
/// </remarks>
public sealed class QuantizationPolicy
{
    private readonly GridKind _impliedKind;
    private readonly IReadOnlyList<LayerOverride> _overrides;
    private readonly IReadOnlyDictionary<string, int>? _chosenBits;

    private QuantizationPolicy(WeightQuantizationSpec baseSpec, GridKind impliedKind, IReadOnlyList<LayerOverride> overrides, IReadOnlyDictionary<string, int>? chosenBits = null)
    {
        Base = baseSpec;
        _impliedKind = impliedKind;
        _overrides = overrides;
        _chosenBits = chosenBits;
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

    /// <summary>Whether an override leaves bits to calibration.</summary>
    public bool ChoosesBits => _overrides.Any(candidate => candidate.AverageBits is not null);

    /// <summary>The same policy, with the bits that calibration chose.</summary>
    /// <param name="bits">Bits by layer name, of every layer whose bits an override leaves to calibration.</param>
    public QuantizationPolicy WithBits(IReadOnlyDictionary<string, int> bits) => new(Base, _impliedKind, _overrides, bits);

    /// <summary>The override that leaves a layer's bits to calibration; null where the bits are known.</summary>
    /// <param name="layerName">Checkpoint name of the layer, without ".weight".</param>
    public LayerOverride? AutomaticOverride(string layerName) => OverrideFor(layerName) is { AverageBits: not null } departure ? departure : null;

    /// <summary>How a layer's weight is quantized.</summary>
    /// <param name="layerName">Checkpoint name of the layer, without ".weight".</param>
    /// <returns>The specification, or null for full precision.</returns>
    /// <exception cref="InvalidOperationException">The bits are left to calibration and not known yet.</exception>
    public WeightQuantizationSpec? SpecFor(string layerName)
    {
        LayerOverride? departure = OverrideFor(layerName);
        return departure switch
        {
            null => Base,
            { FullPrecision: true } => null,
            { Bits: { } bits } => SpecAt(bits, departure),
            { AverageBits: not null } when _chosenBits is { } chosen && chosen.TryGetValue(layerName, out int bits) => SpecAt(bits, departure),
            { AverageBits: not null } => throw new InvalidOperationException($"{layerName}: its bits are left to calibration, which has not chosen them yet."),
            _ => Base with { Granularity = departure.Granularity ?? Base.Granularity },
        };
    }

    /// <summary>How a layer's weight would be quantized if its override stated so many bits.</summary>
    /// <param name="layerName">Checkpoint name of the layer, without ".weight".</param>
    /// <param name="bits">Bits a code.</param>
    public WeightQuantizationSpec SpecAt(string layerName, int bits) => SpecAt(bits, OverrideFor(layerName));

    private LayerOverride? OverrideFor(string layerName) => _overrides.LastOrDefault(candidate => candidate.Matches(layerName));

    private WeightQuantizationSpec SpecAt(int bits, LayerOverride? departure) => Base with
    {
        Bits = bits,
        Granularity = departure?.Granularity ?? Base.Granularity,
        PiK = null,
        PiKPerChannel = false,
        Kind = _impliedKind,
        TwoLevelScales = false,
    };

    private static GridKind ImpliedKind(QatConfig qat) => qat.Symmetric ? GridKind.TwosComplement : GridKind.Affine;
}
