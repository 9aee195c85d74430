using System.Runtime.Intrinsics.X86;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>Matrix products of factors rounded to bfloat16, summed in float32 and rounded to bfloat16 once.</summary>
/// <remarks>
/// On x86 processors without AVX-512 libtorch takes such a product one number at a time, a hundredth as fast as in float32. There the rounded
/// factors are multiplied as float32 numbers: their products are exact, so that only the order of the sums differs.
/// </remarks>
internal static class Bfloat16Product
{
    /// <summary>Whether libtorch has a fast way of its own.</summary>
    public static bool IsNative { get; } = !X86Base.IsSupported || Avx512BW.VL.IsSupported;

    /// <summary>A factor, rounded: of the type that products are taken in, with bfloat16 values.</summary>
    /// <param name="factor">Float32, or rounded already.</param>
    public static Tensor Factor(Tensor factor) => factor.to(ScalarType.BFloat16).to(IsNative ? ScalarType.BFloat16 : ScalarType.Float32);

    /// <summary>The product of two factors, in bfloat16.</summary>
    /// <param name="product">What multiplying them has given.</param>
    public static Tensor Result(Tensor product) => product.to(ScalarType.BFloat16);
}
