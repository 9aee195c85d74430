using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>Refuses to compare tensors of different shapes.</summary>
internal static class ShapeAgreement
{
    /// <summary>Refuses quantized weights that are not of their originals' shape.</summary>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    internal static void Require(Tensor original, Tensor quantized)
    {
        if (!original.shape.SequenceEqual(quantized.shape))
        {
            throw new ArgumentException(
                $"Found shape [{string.Join(", ", quantized.shape)}], expected [{string.Join(", ", original.shape)}].", nameof(quantized));
        }
    }
}
