using static TorchSharp.torch;

namespace Pique.Quantization.Frozen;

/// <summary>A trained update of a frozen weight, added before the weight is quantized.</summary>
public interface IWeightAdapter
{
    /// <summary>The trained tensors.</summary>
    IReadOnlyList<Tensor> Trained { get; }

    /// <summary>The update, differentiable with respect to <see cref="Trained"/> where gradients are enabled.</summary>
    /// <returns>Shape [outFeatures, inFeatures], float32.</returns>
    Tensor WeightUpdate();

    /// <summary>What <see cref="WeightUpdate"/> makes of a gradient.</summary>
    /// <param name="updateGradient">Gradient of the update, shape [outFeatures, inFeatures].</param>
    /// <returns>Gradients of <see cref="Trained"/>, in its order.</returns>
    IReadOnlyList<Tensor> Gradients(Tensor updateGradient);
}
