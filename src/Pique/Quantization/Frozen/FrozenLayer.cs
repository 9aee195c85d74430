using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Quantization.Frozen;

/// <summary>What a layer whose own weight is frozen computes with: W₀ alone as the teacher, Q(W₀ + ΔW) or a weight rounded for good as the student.</summary>
/// <param name="weight">W₀; disposed with this object.</param>
public sealed class FrozenLayer(FrozenWeight weight) : IDisposable
{
    private FrozenWeight? _held;

    /// <summary>W₀.</summary>
    public FrozenWeight Base => weight;

    /// <summary>ΔW; null for none.</summary>
    public IWeightAdapter? Adapter { get; set; }

    /// <summary>What the student computes with in place of W₀ where nothing of the layer is trained: W₀, rounded for good. Null for none.</summary>
    public PackedWeight? Rounded { get; set; }

    /// <summary>Whether the layer computes with W₀ alone, without adapter and quantizers: as the teacher does.</summary>
    public bool IsBypassed { get; set; }

    /// <summary>W₀ + ΔW, without a gradient: what is quantized. One sum in one order, so that training, merging and packing see the same bits.</summary>
    /// <returns>Fresh tensor of shape [outFeatures, inFeatures], float32.</returns>
    public Tensor LatentWeight()
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor latent = weight.Materialize();
        return (Adapter is { } adapter ? latent.add_(adapter.WeightUpdate(), HeldScalar.Of(1)) : latent).MoveToOuterDisposeScope();
    }

    /// <summary>The weight the layer computes with, by plain operations that autograd follows: slow and large, and the reference of <see cref="Multiply"/>.</summary>
    /// <param name="quantizer">Quantizer of the weight, or null.</param>
    /// <returns>Shape [outFeatures, inFeatures], float32.</returns>
    public Tensor EffectiveWeight(FakeQuantizer? quantizer)
    {
        using DisposeScope scope = NewDisposeScope();
        if (ConstantWeight(quantizer) is { } constant)
            return constant.Materialize().MoveToOuterDisposeScope();
        Tensor latent = weight.Materialize();
        if (Adapter is { } adapter)
            latent = latent.add(adapter.WeightUpdate(), HeldScalar.Of(1));
        return (quantizer is null ? latent : quantizer.forward(latent)).MoveToOuterDisposeScope();
    }

    /// <summary>Computes input·Ŵᵀ + bias and keeps nothing of the weight's size for the backward pass.</summary>
    /// <param name="input">Shape [..., inFeatures].</param>
    /// <param name="quantizer">Quantizer of the weight, or null.</param>
    /// <param name="bias">Shape [outFeatures], which takes no gradient; or null.</param>
    /// <returns>Shape [..., outFeatures].</returns>
    /// <exception cref="InvalidOperationException">The weight is held and gradients are asked for.</exception>
    public Tensor Multiply(Tensor input, FakeQuantizer? quantizer, Tensor? bias)
    {
        if (_held is not null && !IsBypassed && is_grad_enabled())
            throw new InvalidOperationException("The weight is held, which has no gradient; dispose the hold before training.");
        return ConstantWeight(quantizer) is { } constant
            ? ConstantProduct.Compute(input, constant, bias)
            : QuantizedProduct.Compute(input, this, quantizer, bias);
    }

    /// <summary>Looks rows up: an embedding.</summary>
    /// <param name="rows">Row numbers, shape [n], int64.</param>
    /// <param name="quantizer">Quantizer of the weight, or null.</param>
    /// <returns>Shape [n, columns], float32.</returns>
    public Tensor SelectRows(Tensor rows, FakeQuantizer? quantizer)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor selected = ConstantWeight(quantizer) is { } constant ? constant.SelectRows(rows) : EffectiveWeight(quantizer).index_select(0, rows);
        return selected.MoveToOuterDisposeScope();
    }

    /// <summary>The weight the layer computes with, where it is one that training does not change; else null.</summary>
    /// <param name="quantizer">Quantizer of the weight, or null.</param>
    internal FrozenWeight? ConstantWeight(FakeQuantizer? quantizer)
    {
        if (IsBypassed)
            return weight;
        return _held ?? Rounded ?? (quantizer is null && Adapter is null ? weight : null);
    }

    /// <summary>Computes with a packed weight until disposed: for measuring, where nothing changes.</summary>
    /// <param name="packed">The quantized latent weight.</param>
    /// <returns>Ends the hold when disposed.</returns>
    internal IDisposable Hold(QuantizedTensor packed)
    {
        _held = new PackedWeight(packed);
        return new HeldWeight(this);
    }

    /// <inheritdoc/>
    public void Dispose() => weight.Dispose();

    private sealed class HeldWeight(FrozenLayer owner) : IDisposable
    {
        public void Dispose() => owner._held = null;
    }
}
