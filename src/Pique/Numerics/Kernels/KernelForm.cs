using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>The forms every kernel exists in. All give the same bits.</summary>
internal enum KernelForm
{
    /// <summary>One value at a time: the reference.</summary>
    Scalar,

    /// <summary>Vectors of 128 bits: SSE and Neon.</summary>
    Simd128,

    /// <summary>Vectors of 256 bits: AVX2.</summary>
    Simd256,

    /// <summary>Vectors of 512 bits: AVX-512.</summary>
    Simd512,
}

/// <summary>Chooses a form.</summary>
internal static class KernelForms
{
    /// <summary>The widest form this processor has.</summary>
    public static KernelForm Best { get; } =
        Vector512.IsHardwareAccelerated ? KernelForm.Simd512
        : Vector256.IsHardwareAccelerated ? KernelForm.Simd256
        : Vector128.IsHardwareAccelerated ? KernelForm.Simd128
        : KernelForm.Scalar;
}
