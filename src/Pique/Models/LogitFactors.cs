using Pique.Quantization.Frozen;
using static TorchSharp.torch;

namespace Pique.Models;

/// <summary>The two factors of an output head: logits = Input·Weightᵀ. By them the product can be taken in parts, and its gradient with it.</summary>
/// <param name="Input">What the head sees of the hidden states, its input quantizer applied; shape [..., hidden].</param>
/// <param name="Weight">What it multiplies by, its weight quantizer applied; shape [vocabulary, hidden]. Where <see cref="Frozen"/> is given, the shape alone.</param>
public readonly record struct LogitFactors(Tensor Input, Tensor Weight)
{
    /// <summary>What the head multiplies by where that takes no gradient and is held in fewer bytes than float32; else null.</summary>
    public FrozenWeight? Frozen { get; init; }
}
