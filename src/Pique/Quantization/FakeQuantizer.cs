using Pique.Configuration;
using Pique.Numerics;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>Rounds a weight to its grid in the forward pass and passes gradients by the chosen straight-through estimator.</summary>
/// <remarks>
/// An estimator that learns the scale owns it as the parameter "scale" ("alpha" on the pi grid), float32, and on the affine grid the
/// zero point as the parameter "zero_point"; the forward pass rounds the one to float16 or to two levels, the other to an integer,
/// with straight-through gradients. Any other estimator recomputes the scale from the latent weights in every forward pass, without a
/// gradient: the covering scale times the buffer "clip_ratio", which calibration chose for every group; its zero point follows the
/// weights' range, and whether the grid is called pi makes no difference to it.
/// </remarks>
public sealed class FakeQuantizer : nn.Module<Tensor, Tensor>
{
    private readonly GroupLayout _layout;
    private readonly Parameter? _parameter;
    private readonly Parameter? _zeroPoint;
    private readonly Tensor? _clipRatio;
    private readonly Tensor? _piK;
    private Tensor? _held;
    private Tensor? _codeScale;

    private FakeQuantizer(string layerName, WeightQuantizationSpec spec, GroupLayout layout, GroupScales calibrated, Tensor? piK, Tensor weight)
        : base(nameof(FakeQuantizer))
    {
        LayerName = layerName;
        Spec = spec;
        _layout = layout;
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (spec.LearnsScale)
        {
            if (spec.PiKPerChannel)
            {
                _piK = piK!.clone().DetachFromDisposeScope();
                register_buffer("pi_k", _piK);
            }

            Tensor start = StepFactor() is { } factor ? calibrated.Scales.div(factor) : calibrated.Scales.clone();
            _parameter = (Parameter)new Parameter(start).DetachFromDisposeScope();
            register_parameter(ParameterName, _parameter);
            if (calibrated.ZeroPoints is { } zeroPoints)
            {
                _zeroPoint = (Parameter)new Parameter(zeroPoints.clone()).DetachFromDisposeScope();
                register_parameter("zero_point", _zeroPoint);
            }

            return;
        }

        using GroupScales covering = GridArithmetic.Covering(weight.detach().contiguous(), layout, spec.Grid);
        Tensor ratio = where(covering.Scales.gt(HeldScalar.Of(HalfScale.Floor)), calibrated.Scales.div(covering.Scales), ones_like(covering.Scales));
        _clipRatio = ratio.DetachFromDisposeScope();
        register_buffer("clip_ratio", _clipRatio);
    }

    /// <summary>Name of the layer the weight belongs to.</summary>
    public string LayerName { get; }

    /// <summary>How the weight is quantized.</summary>
    public WeightQuantizationSpec Spec { get; }

    /// <summary>Strength ρ of the warm-up, 0 to 1: the output is w + ρ·(ŵ − w), and exactly ŵ at 1.</summary>
    public float Strength { get; set; } = 1f;

    /// <summary>Share of the oscillation dampening that one backward pass adds to the weight's gradient: 1 over the number of passes whose gradients are added up.</summary>
    public float DampeningShare { get; set; } = 1f;

    /// <summary>Type of the output: Float32, or BFloat16 for products in bfloat16, rounded from the float32 result to nearest.</summary>
    public ScalarType OutputType { get; set; } = ScalarType.Float32;

    /// <summary>The trained scale or α, shape [lines, blocksPerLine], float32; null where the estimator learns none.</summary>
    public Parameter? LearnedParameter => _parameter;

    /// <summary>The trained zero point, same shape, float32; null on symmetric grids and where the estimator learns none.</summary>
    public Parameter? LearnedZeroPoint => _zeroPoint;

    /// <summary>Whether the codes stay as they are, whatever becomes of the scales; see <see cref="FixCodes"/>.</summary>
    public bool HasFixedCodes => _codeScale is not null;

    private string ParameterName => Spec.PiK is null ? "scale" : "alpha";

    /// <summary>Makes the quantizer a configuration asks for, with scales found from the weight.</summary>
    /// <param name="config">The configuration.</param>
    /// <param name="layerName">Name of the layer, for errors.</param>
    /// <param name="weight">Latent weight, shape [outFeatures, inFeatures], float32.</param>
    /// <param name="method">How its scales are found.</param>
    /// <returns>The quantizer.</returns>
    /// <exception cref="InputException">The weight is no matrix or holds a value that is not finite.</exception>
    public static FakeQuantizer Create(QatConfig config, string layerName, Tensor weight, ScaleMethod method = ScaleMethod.MinimumError) =>
        Create(layerName, QuantizationPolicy.From(config, []).SpecFor(layerName)!, weight, method);

    /// <summary>Makes the quantizer of a weight with scales found from it.</summary>
    /// <param name="layerName">Name of the layer, for errors.</param>
    /// <param name="spec">How the weight is quantized.</param>
    /// <param name="weight">Latent weight, shape [outFeatures, inFeatures], float32.</param>
    /// <param name="method">How its scales are found; where k of the pi grid is chosen for every channel, that search finds them.</param>
    /// <returns>The quantizer.</returns>
    /// <exception cref="InputException">The weight is no matrix, holds a value that is not finite, or has no such grid.</exception>
    public static FakeQuantizer Create(string layerName, WeightQuantizationSpec spec, Tensor weight, ScaleMethod method)
    {
        GroupLayout layout = LayoutOf(layerName, spec, weight);
        if (spec.PiKPerChannel)
        {
            (Tensor k, GroupScales steps) = ScaleSearch.FindPiK(weight, layout, spec.Grid);
            using (k)
            using (steps)
                return new(layerName, spec, layout, steps, k, weight);
        }

        using GroupScales scales = ScaleSearch.Find(weight, layout, spec.Grid, method);
        return new(layerName, spec, layout, scales, null, weight);
    }

    /// <summary>Makes the quantizer of a weight with scales that calibration found.</summary>
    /// <param name="layerName">Name of the layer, for errors.</param>
    /// <param name="spec">How the weight is quantized.</param>
    /// <param name="weight">Latent weight, shape [outFeatures, inFeatures], float32.</param>
    /// <param name="calibrated">Scales and zero points of the weight.</param>
    /// <returns>The quantizer.</returns>
    /// <exception cref="InputException">The weight is no matrix, holds a value that is not finite, or has no such grid, or the scales are not of its layout.</exception>
    public static FakeQuantizer Create(string layerName, WeightQuantizationSpec spec, Tensor weight, GroupScales calibrated)
    {
        GroupLayout layout = LayoutOf(layerName, spec, weight);
        if (!calibrated.Scales.shape.SequenceEqual(layout.ScaleShape) || (calibrated.ZeroPoints is null) != spec.Symmetric)
        {
            throw new InputException(
                $"{layerName}: found calibrated scales of shape [{string.Join(", ", calibrated.Scales.shape)}]"
                + $"{(calibrated.ZeroPoints is null ? "" : " with zero points")}, expected [{string.Join(", ", layout.ScaleShape)}]"
                + $"{(spec.Symmetric ? "" : " with zero points")}; calibrate this model with this configuration again.");
        }

        if (!spec.PiKPerChannel)
            return new(layerName, spec, layout, calibrated, null, weight);
        (Tensor k, GroupScales steps) = ScaleSearch.FindPiK(weight, layout, spec.Grid);
        using (k)
        using (steps)
            return new(layerName, spec, layout, calibrated, k, weight);
    }

    /// <summary>Fake-quantizes the weight.</summary>
    /// <param name="weight">Latent weight, shape [outFeatures, inFeatures], float32 or bfloat16.</param>
    /// <returns>w + ρ·(ŵ − w), same shape, of <see cref="OutputType"/>.</returns>
    /// <exception cref="InvalidOperationException">The result is held and gradients are asked for.</exception>
    public override Tensor forward(Tensor weight)
    {
        if (_held is { } held)
        {
            return is_grad_enabled()
                ? throw new InvalidOperationException($"{LayerName}: its fake-quantized weight is held, which has no gradient; dispose the hold before training.")
                : held.alias();
        }

        using DisposeScope scope = NewDisposeScope();
        Tensor contiguous = weight.is_contiguous() ? weight : weight.contiguous();
        if (_codeScale is not null)
            return ForwardFixedCodes(contiguous).MoveToOuterDisposeScope();
        return FakeQuantizeFunction.apply(contiguous, _parameter!, _zeroPoint!, CallFor(contiguous)).MoveToOuterDisposeScope();
    }

    /// <summary>Fake-quantizes some rows of the weight: the same rows as <see cref="forward"/> gives, and the same gradients, without touching the others.</summary>
    /// <param name="weight">Latent weight, shape [outFeatures, inFeatures], float32 or bfloat16.</param>
    /// <param name="rows">Numbers of the rows, shape [n], int64, each as often as wanted.</param>
    /// <param name="addsDampening">Whether oscillation dampening is part of the gradient: false where the whole weight is quantized in the same pass, too.</param>
    /// <returns>Shape [n, inFeatures], of <see cref="OutputType"/>.</returns>
    internal Tensor ForwardRows(Tensor weight, Tensor rows, bool addsDampening)
    {
        using DisposeScope scope = NewDisposeScope();
        bool sharesScales = _layout.LineCount != weight.shape[0];
        if (_held is not null || _codeScale is not null || sharesScales || (addsDampening && Spec.OscillationDampening != 0))
            return forward(weight).index_select(0, rows).MoveToOuterDisposeScope();
        (Tensor distinct, Tensor? places, _) = rows.unique(sorted: true, return_inverse: true, return_counts: false);
        FakeQuantizeCall call = CallFor(weight).OfRows(distinct);
        Tensor quantized = FakeQuantizeFunction.apply(SelectedRows.apply(weight, distinct), _parameter?.index_select(0, distinct)!, _zeroPoint?.index_select(0, distinct)!, call);
        return quantized.index_select(0, places!).MoveToOuterDisposeScope();
    }

    /// <summary>Fake-quantizes the weight once and for all calls of <see cref="forward"/> until disposed: for measuring, where no weight changes.</summary>
    /// <param name="weight">Latent weight, shape [outFeatures, inFeatures], float32.</param>
    /// <returns>Ends the hold when disposed.</returns>
    public IDisposable Hold(Tensor weight)
    {
        using IDisposable noGradient = no_grad();
        _held ??= forward(weight).DetachFromDisposeScope();
        return new HeldWeight(this);
    }

    /// <summary>Quantizes the weight by the arithmetic of <see cref="forward"/>: what it dequantizes to equals the forward pass at strength 1, bit for bit.</summary>
    /// <param name="weight">Latent weight, shape [outFeatures, inFeatures], float32.</param>
    /// <returns>The packed weight.</returns>
    /// <exception cref="InputException">The weight holds a value that is not finite.</exception>
    public QuantizedTensor Quantize(Tensor weight)
    {
        WeightCheck.Finite(LayerName, weight);
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor contiguous = LatentType.Widened(weight.detach());
        GroupScales grid = CurrentScales(contiguous);
        return QuantizedTensor.Pack(contiguous, Spec, _layout, grid, _codeScale);
    }

    /// <summary>Makes the quantizer that goes on from this one with codes that no longer change: a weight is its code times the scale, and the scale alone is trained, whatever the estimator.</summary>
    /// <param name="weight">Latent weight, shape [outFeatures, inFeatures], float32, which must not change from now on.</param>
    /// <returns>A quantizer with the same forward pass as this one at strength 1, bit for bit; its buffer "code_scale" is what the codes were found at.</returns>
    /// <exception cref="InvalidOperationException">The codes are fixed already.</exception>
    public FakeQuantizer FixCodes(Tensor weight)
    {
        if (HasFixedCodes)
            throw new InvalidOperationException($"{LayerName}: its codes are fixed already.");
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        GroupScales scales = CurrentScales(weight);
        WeightQuantizationSpec spec = Spec with { Estimator = new SteVariant.LearnedStepSize(), PiKPerChannel = _piK is not null };
        FakeQuantizer quantizer = new(LayerName, spec, _layout, scales, _piK, weight) { OutputType = OutputType };
        if (_parameter is { } parameter)
            quantizer._parameter!.copy_(parameter);
        if (quantizer._zeroPoint is { } zeroPoint)
            zeroPoint.requires_grad = false;
        quantizer._codeScale = scales.Scales.clone().DetachFromDisposeScope();
        quantizer.register_buffer("code_scale", quantizer._codeScale);
        return quantizer;
    }

    /// <summary>The scales and zero points the next forward pass will use.</summary>
    /// <param name="weight">Latent weight, shape [outFeatures, inFeatures], float32.</param>
    /// <returns>Scales that a file holds exactly, and integer zero points, owned by the caller.</returns>
    public GroupScales CurrentScales(Tensor weight)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (_parameter is { } parameter)
        {
            Tensor step = StepFactor() is { } factor ? parameter.mul(factor) : parameter;
            Tensor? zeroPoint = _zeroPoint?.round().clamp_(HeldScalar.Of(0), HeldScalar.Of(Spec.Grid.MaxCode));
            return new(Round(step).MoveToOuterDisposeScope(), zeroPoint?.MoveToOuterDisposeScope());
        }

        Tensor contiguous = LatentType.Widened(weight.detach());
        GroupScales found;
        if (Spec.TwoLevelScales)
        {
            GroupScales covering = GridArithmetic.Covering(contiguous, _layout, Spec.Grid);
            found = new(Round(covering.Scales.mul(_clipRatio!)), covering.ZeroPoints);
        }
        else
        {
            found = GridArithmetic.ScalesFromRange(contiguous, _layout, _clipRatio!, Spec.Grid);
        }

        return new(found.Scales.MoveToOuterDisposeScope(), found.ZeroPoints?.MoveToOuterDisposeScope());
    }

    /// <summary>Restores the invariants of the trained parameters; call it after every optimizer step.</summary>
    /// <remarks>The step is kept within float16's range [2^−24, 65504], the zero point within the codes; what is not a number becomes the smallest. No learning rate can break it.</remarks>
    public void EnforceInvariants()
    {
        if (_parameter is not { } parameter)
            return;
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        parameter.nan_to_num_(0, float.MaxValue, 0);
        if (_piK is null)
        {
            float unit = 1f / (Spec.PiK is { } k ? (float)(Math.PI / k) : 1f);
            parameter.clamp_(HeldScalar.Of(unit * HalfScale.Floor), HeldScalar.Of(unit * HalfScale.Ceiling));
        }
        else
        {
            Tensor unit = StepFactor()!.reciprocal();
            parameter.copy_(minimum(maximum(parameter, unit.mul(HeldScalar.Of(HalfScale.Floor))), unit.mul(HeldScalar.Of(HalfScale.Ceiling))));
        }

        _zeroPoint?.nan_to_num_(0, Spec.Grid.MaxCode, 0).clamp_(HeldScalar.Of(0), HeldScalar.Of(Spec.Grid.MaxCode));
    }

    private FakeQuantizeCall CallFor(Tensor weight)
    {
        WeightQuantizationSpec spec = DampeningShare == 1 ? Spec : Spec with { OscillationDampening = Spec.OscillationDampening * DampeningShare };
        return new(spec, _layout, Strength, OutputType)
        {
            Scales = Spec.LearnsScale || Spec.TwoLevelScales ? CurrentScales(weight) : null,
            ClipRatios = _clipRatio,
            StepFactor = StepFactor(),
        };
    }

    private Tensor ForwardFixedCodes(Tensor weight)
    {
        GroupScales scales = CurrentScales(weight);
        Tensor? factor = StepFactor();
        return FixedCodesFunction.apply(_parameter!, new FixedCodesCall(Spec.Grid, _layout, OutputType, factor is not null)
        {
            Weight = weight,
            CodeScales = _codeScale!,
            ZeroPoints = scales.ZeroPoints,
            Scales = scales.Scales,
            StepFactor = factor,
        });
    }

    /// <summary>Step per unit of the parameter, π/k: a scalar or shape [lines, 1]; null where the parameter is the step.</summary>
    private Tensor? StepFactor() => (Spec.PiK, _piK) switch
    {
        (null, _) => null,
        (_, { } k) => k.reciprocal().mul_(HeldScalar.Of((float)Math.PI)),
        ({ } k, null) => tensor((float)(Math.PI / k)),
    };

    private Tensor Round(Tensor scales) => Spec.TwoLevelScales ? TwoLevelScale.Round(scales, _layout, Spec.Bits) : HalfScale.Round(scales);

    private static GroupLayout LayoutOf(string layerName, WeightQuantizationSpec spec, Tensor weight)
    {
        WeightCheck.Matrix(layerName, weight);
        WeightCheck.Finite(layerName, weight);
        GroupLayout layout = GroupLayout.For(spec.Granularity, weight.shape[0], weight.shape[1]);
        if (spec.TwoLevelScales && !(spec.Granularity is QuantGranularity.PerBlock block && TwoLevelScale.Exists(spec.Bits, block.BlockSize) && spec.Kind == GridKind.TwosComplement))
            throw new InputException($"{layerName}: found two-level scales on the {spec.Kind} grid at {spec.Bits} bits, {spec.Granularity}, expected two's complement with PerBlock 32 at 2 to 5 bits or PerBlock 16 at 2 or 3; choose such a granularity or another grid.");
        return layout;
    }

    private sealed class HeldWeight(FakeQuantizer owner) : IDisposable
    {
        public void Dispose()
        {
            owner._held?.Dispose();
            owner._held = null;
        }
    }
}
