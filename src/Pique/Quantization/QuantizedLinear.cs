using Pique.Numerics;
using Pique.Quantization.Frozen;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>A linear layer that holds, once prepared, the quantizers of its weight and of its input; without them it is an ordinary linear layer.</summary>
public sealed class QuantizedLinear : nn.Module<Tensor, Tensor>, IQuantizableLayer
{
    [ComponentName(Name = "weight")]
    private Parameter _weight;

    [ComponentName(Name = "bias")]
    private readonly Parameter? _bias;

    /// <summary>Creates a layer of zeros.</summary>
    /// <param name="inFeatures">Width of the input.</param>
    /// <param name="outFeatures">Width of the output.</param>
    /// <param name="hasBias">Whether a bias is added.</param>
    /// <param name="weightDevice">Device of the weight; META for its shape alone, where a frozen weight will take its place. Null for the CPU.</param>
    public QuantizedLinear(long inFeatures, long outFeatures, bool hasBias = false, Device? weightDevice = null) : base(nameof(QuantizedLinear))
    {
        _weight = new Parameter(zeros(outFeatures, inFeatures, device: weightDevice));
        _bias = hasBias ? new Parameter(zeros(outFeatures)) : null;
        RegisterComponents();
    }

    /// <inheritdoc/>
    public Parameter Weight => _weight;

    /// <summary>Bias, shape [outFeatures], or null.</summary>
    public Parameter? Bias => _bias;

    /// <inheritdoc/>
    public FrozenLayer? Frozen { get; set; }

    /// <inheritdoc/>
    public FakeQuantizer? WeightQuantizer { get; set; }

    /// <summary>Quantizer of the input; null where activations keep full precision.</summary>
    public ActivationFakeQuantizer? ActivationQuantizer { get; set; }

    /// <summary>Sees the input of every forward pass as the weight meets it, shape [..., inFeatures], for the time of the call; null for nobody. For calibration.</summary>
    public Action<Tensor>? InputObserver { get; set; }

    /// <summary>Type the factors of the product are rounded to, float32 or bfloat16, where the weight is not <see cref="Frozen"/>.</summary>
    internal ScalarType ProductType { get; set; } = ScalarType.Float32;

    /// <inheritdoc/>
    public void SetWeightType(ScalarType type)
    {
        Parameter before = _weight;
        if (before.dtype == type)
            return;
        _weight = LatentType.Converted(before, type);
        ConditionallyRegisterParameter("weight", _weight);
        before.Dispose();
    }

    /// <inheritdoc/>
    public Tensor EffectiveWeight() =>
        Frozen is { } frozen ? frozen.EffectiveWeight(WeightQuantizer) : WeightQuantizer is { } quantizer ? quantizer.forward(_weight) : _weight;

    /// <summary>Computes input·weightᵀ + bias.</summary>
    /// <param name="input">Shape [..., inFeatures].</param>
    /// <returns>Shape [..., outFeatures].</returns>
    public override Tensor forward(Tensor input)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor seen = QuantizedInput(input);
        InputObserver?.Invoke(seen);
        Tensor output = Frozen is { } frozen ? frozen.Multiply(seen, WeightQuantizer, _bias) : Product(seen, EffectiveWeight());
        return output.MoveToOuterDisposeScope();
    }

    /// <summary>What the product is taken of: the input itself, or fake-quantized where a quantizer is present.</summary>
    /// <param name="input">Shape [..., inFeatures].</param>
    /// <returns>Same shape.</returns>
    public Tensor QuantizedInput(Tensor input) => ActivationQuantizer is { } quantizer && Frozen is not { IsBypassed: true } ? quantizer.forward(input) : input;

    private Tensor Product(Tensor input, Tensor weight)
    {
        if (ProductType == ScalarType.Float32)
            return nn.functional.linear(input, weight, _bias);
        Tensor product = Bfloat16Product.Result(nn.functional.linear(Bfloat16Product.Factor(input), Bfloat16Product.Factor(weight))).to(ScalarType.Float32);
        return _bias is null ? product : product.add(_bias, HeldScalar.Of(1));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Frozen?.Dispose();
        base.Dispose(disposing);
    }
}
