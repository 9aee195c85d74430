using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>Rounds a weight to its grid in the forward pass and passes gradients by the chosen straight-through estimator.</summary>
public sealed class WeightFakeQuantizer : nn.Module<Tensor, Tensor>
{
    internal WeightFakeQuantizer() : base(nameof(WeightFakeQuantizer))
    {
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor weight) => throw new NotSupportedException();
}
