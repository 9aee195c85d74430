using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>Fake-quantizes the activations entering a layer, per token, dynamically.</summary>
public sealed class ActivationFakeQuantizer : nn.Module<Tensor, Tensor>
{
    internal ActivationFakeQuantizer() : base(nameof(ActivationFakeQuantizer))
    {
    }

    /// <inheritdoc/>
    public override Tensor forward(Tensor input) => throw new NotSupportedException();
}
