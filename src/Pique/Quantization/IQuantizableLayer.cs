using Pique.Quantization.Frozen;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>A layer that holds one weight matrix and, once prepared, the quantizers of that weight and of its input.</summary>
public interface IQuantizableLayer
{
    /// <summary>Latent weight, shape [outFeatures, inFeatures], float32, or bfloat16 where <see cref="SetWeightType"/> said so; where the layer is <see cref="Frozen"/>, its shape alone.</summary>
    Parameter Weight { get; }

    /// <summary>What the layer computes with in place of <see cref="Weight"/>, where its weight is frozen; else null. Disposed with the layer.</summary>
    FrozenLayer? Frozen { get; set; }

    /// <summary>Quantizer of the weight; null before prepare and in full precision.</summary>
    FakeQuantizer? WeightQuantizer { get; set; }

    /// <summary>Holds the latent weight in another type from now on, rounded to nearest. <see cref="Weight"/> is a new tensor then, without a gradient.</summary>
    /// <param name="type">Float32; or BFloat16, which needs a quantizer: that widens the weight for its arithmetic, and leaves in <c>grad</c> a gradient in float32.</param>
    void SetWeightType(ScalarType type);

    /// <summary>The weight the layer computes with: <see cref="Weight"/> itself, or fake-quantized where a quantizer is present.</summary>
    Tensor EffectiveWeight();

    /// <summary>What the quantizer sees: <see cref="Weight"/> itself, or of a frozen layer a fresh tensor without a gradient.</summary>
    Tensor LatentWeight() => Frozen is { } frozen ? frozen.LatentWeight() : Weight;
}
