using Pique.Numerics;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>Rounds a weight to its grid in the forward pass and passes gradients by the chosen straight-through estimator.</summary>
/// <remarks>
/// An estimator that learns the scale owns it as the parameter "scale" ("alpha" on the pi grid), float32, which the forward pass
/// rounds to float16 with a straight-through gradient; the zero point is a fixed integer. Any other recomputes the scale from the
/// latent weights in every forward pass, without a gradient: the covering scale times the buffer "clip_ratio", which calibration
/// chose for every group; its zero point follows the weights' range.
/// </remarks>
public sealed class FakeQuantizer : nn.Module<Tensor, Tensor>
{
    private readonly GroupLayout _layout;
    private readonly Parameter? _parameter;
    private readonly Tensor? _zeroPoints;
    private readonly Tensor? _clipRatio;

    private FakeQuantizer(string layerName, WeightQuantizationSpec spec, GroupLayout layout, GroupScales calibrated, Tensor weight)
        : base(nameof(FakeQuantizer))
    {
        LayerName = layerName;
        Spec = spec;
        _layout = layout;
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (spec.LearnsScale)
        {
            _parameter = (Parameter)new Parameter(calibrated.Scales.div(HeldScalar.Of(StepFactor))).DetachFromDisposeScope();
            register_parameter(ParameterName, _parameter);
            _zeroPoints = calibrated.ZeroPoints?.clone().DetachFromDisposeScope();
            if (_zeroPoints is not null)
                register_buffer("zero_point", _zeroPoints);
            return;
        }

        (Tensor covering, _) = ScaleSearch.Covering(weight.detach().contiguous(), layout, spec.Grid);
        Tensor ratio = where(covering.gt(HeldScalar.Of(HalfScale.Floor)), calibrated.Scales.div(covering), ones_like(covering));
        _clipRatio = ratio.DetachFromDisposeScope();
        register_buffer("clip_ratio", _clipRatio);
    }

    /// <summary>Name of the layer the weight belongs to.</summary>
    public string LayerName { get; }

    /// <summary>How the weight is quantized.</summary>
    public WeightQuantizationSpec Spec { get; }

    /// <summary>Strength ρ of the warm-up, 0 to 1: the output is w + ρ·(ŵ − w), and exactly ŵ at 1.</summary>
    public float Strength { get; set; } = 1f;

    /// <summary>The trained scale or α, shape [lines, blocksPerLine], float32; null where the estimator learns none.</summary>
    public Parameter? LearnedParameter => _parameter;

    private float StepFactor => Spec.PiK is { } k ? (float)(Math.PI / k) : 1f;

    private string ParameterName => Spec.PiK is null ? "scale" : "alpha";

    /// <summary>Makes the quantizer of a weight with scales found from it.</summary>
    /// <param name="layerName">Name of the layer, for errors.</param>
    /// <param name="spec">How the weight is quantized.</param>
    /// <param name="weight">Latent weight, shape [outFeatures, inFeatures], float32.</param>
    /// <param name="method">How its scales are found.</param>
    /// <returns>The quantizer.</returns>
    /// <exception cref="InputException">The weight is no matrix or holds a value that is not finite.</exception>
    public static FakeQuantizer Create(string layerName, WeightQuantizationSpec spec, Tensor weight, ScaleMethod method)
    {
        GroupLayout layout = LayoutOf(layerName, spec, weight);
        using GroupScales scales = ScaleSearch.Find(weight, layout, spec.Grid, method);
        return new(layerName, spec, layout, scales, weight);
    }

    /// <summary>Makes the quantizer of a weight with scales that calibration found.</summary>
    /// <param name="layerName">Name of the layer, for errors.</param>
    /// <param name="spec">How the weight is quantized.</param>
    /// <param name="weight">Latent weight, shape [outFeatures, inFeatures], float32.</param>
    /// <param name="calibrated">Scales and zero points of the weight.</param>
    /// <returns>The quantizer.</returns>
    /// <exception cref="InputException">The weight is no matrix or holds a value that is not finite, or the scales are not of its layout.</exception>
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

        return new(layerName, spec, layout, calibrated, weight);
    }

    /// <summary>Fake-quantizes the weight.</summary>
    /// <param name="weight">Latent weight, shape [outFeatures, inFeatures], float32.</param>
    /// <returns>w + ρ·(ŵ − w), same shape.</returns>
    public override Tensor forward(Tensor weight)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor contiguous = weight.is_contiguous() ? weight : weight.contiguous();
        using GroupScales grid = CurrentScales(contiguous);
        FakeQuantizeCall call = new(Spec, _layout, grid.Scales, grid.ZeroPoints, Strength);
        return FakeQuantizeFunction.apply(contiguous, _parameter!, call).MoveToOuterDisposeScope();
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
        Tensor contiguous = weight.detach().contiguous();
        GroupScales grid = CurrentScales(contiguous);
        Tensor codes = GridArithmetic.Codes(contiguous, _layout, grid.Scales, grid.ZeroPoints, Spec.Grid);
        Half[] scales = Array.ConvertAll(Values<float>(grid.Scales), scale => (Half)scale);
        byte[]? zeroPoints = grid.ZeroPoints is { } zeros ? Array.ConvertAll(Values<float>(zeros), zero => (byte)zero) : null;
        int rowBytes = checked((int)BitPacking.RowBytes(_layout.Columns, Spec.Bits));
        byte[] packed = new byte[checked(_layout.Rows * rowBytes)];
        byte[] unpacked = Values<byte>(codes);
        for (int row = 0; row < _layout.Rows; row++)
            BitPacking.PackRow(unpacked.AsSpan(row * (int)_layout.Columns, (int)_layout.Columns), Spec.Bits, packed.AsSpan(row * rowBytes, rowBytes));
        return new QuantizedTensor(_layout.Rows, _layout.Columns, Spec.Grid, Spec.Granularity, packed, scales, zeroPoints, piK: Spec.PiK);
    }

    /// <summary>The scales and zero points the next forward pass will use.</summary>
    /// <param name="weight">Latent weight, shape [outFeatures, inFeatures], float32.</param>
    /// <returns>Float16-exact scales and integer zero points, owned by the caller.</returns>
    public GroupScales CurrentScales(Tensor weight)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (_parameter is { } parameter)
        {
            Tensor learned = HalfScale.Round(parameter.mul(HeldScalar.Of(StepFactor)));
            return new(learned.MoveToOuterDisposeScope(), _zeroPoints?.alias().MoveToOuterDisposeScope());
        }

        (Tensor covering, Tensor? zeroPoints) = ScaleSearch.Covering(weight.detach().contiguous(), _layout, Spec.Grid);
        // On the pi grid this is α·(π/k) with α = ratio·covering/(π/k).
        Tensor step = covering.mul_(_clipRatio!).div_(HeldScalar.Of(StepFactor)).mul_(HeldScalar.Of(StepFactor));
        return new(HalfScale.Round(step).MoveToOuterDisposeScope(), zeroPoints?.MoveToOuterDisposeScope());
    }

    /// <summary>Restores the invariants of the trained parameter; call it after every optimizer step.</summary>
    /// <remarks>The step is kept within float16's range [2^−24, 65504]; what is not a number becomes the floor. No learning rate can break it.</remarks>
    public void EnforceInvariants()
    {
        if (_parameter is not { } parameter)
            return;
        using IDisposable noGradient = no_grad();
        double floor = HalfScale.Floor / StepFactor;
        double ceiling = HalfScale.Ceiling / StepFactor;
        parameter.nan_to_num_(floor, ceiling, floor);
        parameter.clamp_(HeldScalar.Of(floor), HeldScalar.Of(ceiling));
    }

    private static T[] Values<T>(Tensor values) where T : unmanaged => values.numel() == 0 ? [] : values.data<T>().ToArray();

    private static GroupLayout LayoutOf(string layerName, WeightQuantizationSpec spec, Tensor weight)
    {
        WeightCheck.Matrix(layerName, weight);
        WeightCheck.Finite(layerName, weight);
        return GroupLayout.For(spec.Granularity, weight.shape[0], weight.shape[1]);
    }
}
