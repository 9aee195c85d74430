using Pique.Numerics.Kernels;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>Rotation of queries and keys by the kernel: channel i of a head is paired with i + headSize/2 (RoFormer, Su et al. 2021, arXiv:2104.09864, section 3.2).</summary>
internal static class RotaryHeads
{
    /// <summary>Whether the kernel can turn the heads.</summary>
    /// <param name="heads">Shape [batch, tokens, heads, headSize].</param>
    /// <param name="tables">cos, and sin with its first half negated; each [tokens, 1, headSize].</param>
    public static bool Takes(Tensor heads, (Tensor Cos, Tensor SignedSin) tables) =>
        TensorPointer.IsAccessible(heads) && TensorPointer.IsAccessible(tables.Cos) && TensorPointer.IsAccessible(tables.SignedSin);

    /// <summary>Turns heads.</summary>
    /// <param name="source">Shape [batch, tokens, heads, headSize], any strides but within a head.</param>
    /// <param name="tables">cos, and sin with its first half negated; each [tokens, 1, headSize].</param>
    /// <param name="back">Whether by the negative angles: the gradient.</param>
    /// <param name="destination">Receives them, contiguous; may be the source.</param>
    /// <param name="form">Form of the kernel; null for the best.</param>
    public static unsafe void Rotate(Tensor source, (Tensor Cos, Tensor SignedSin) tables, bool back, Tensor destination, KernelForm? form = null)
    {
        long[] shape = source.shape, strides = source.stride();
        if (shape.Length != 4 || shape[3] % 2 != 0 || !TableFits(tables.Cos) || !TableFits(tables.SignedSin) || !destination.shape.AsSpan().SequenceEqual(shape))
        {
            throw new ArgumentException(
                $"Found heads of shape [{string.Join(", ", shape)}] and tables of shape [{string.Join(", ", tables.Cos.shape)}], expected [batch, tokens, heads, an even headSize] and [tokens, 1, headSize].",
                nameof(source));
        }

        RotaryKernel.Run(
            new RotaryKernel.Arguments
            {
                BatchCount = shape[0],
                TokenCount = shape[1],
                HeadCount = shape[2],
                Half = (int)(shape[3] / 2),
                Source = TensorPointer.OfRows(source),
                BatchStride = strides[0],
                TokenStride = strides[1],
                HeadStride = strides[2],
                Destination = TensorPointer.Of(destination),
                Cos = TensorPointer.Of(tables.Cos),
                SignedSin = TensorPointer.Of(tables.SignedSin),
            },
            back,
            form ?? KernelForms.Best);

        bool TableFits(Tensor table) => table.numel() == shape[1] * shape[3];
    }
}
