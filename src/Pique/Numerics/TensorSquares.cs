using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>Squares of tensors.</summary>
internal static class TensorSquares
{
    /// <summary>Squares every element. TorchSharp's own <c>square</c> passes libtorch a scalar that the garbage collector may have freed; see <see cref="HeldScalar"/>.</summary>
    /// <param name="tensor">Any shape.</param>
    /// <returns>Same shape.</returns>
    public static Tensor Squared(this Tensor tensor) => tensor.mul(tensor);
}
