using static TorchSharp.torch;

namespace Pique.Models;

/// <summary>The two factors of an output head: logits = Input·Weightᵀ. By them the product can be taken in parts, and its gradient with it.</summary>
/// <param name="Input">What the head sees of the hidden states, its input quantizer applied; shape [..., hidden].</param>
/// <param name="Weight">What it multiplies by, its weight quantizer applied; shape [vocabulary, hidden].</param>
public readonly record struct LogitFactors(Tensor Input, Tensor Weight);
