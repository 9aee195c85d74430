using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>A layer that holds one weight matrix and, once prepared, the quantizers of that weight and of its input.</summary>
public interface IQuantizableLayer
{
    /// <summary>Latent weight, shape [outFeatures, inFeatures], float32. </summary>
    Parameter Weight { get; }

    /// <summary>Quantizer of the weight; null before prepare and in full precision.</summary>
    FakeQuantizer? WeightQuantizer { get; set; }

    /// <summary>The weight the layer computes with: <see cref="Weight"/> itself, or fake-quantized where a quantizer is present.</summary>
    Tensor EffectiveWeight();
}
