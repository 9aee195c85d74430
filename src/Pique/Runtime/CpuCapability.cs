using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;

namespace Pique;

/// <summary>What the processor and operating system offer libtorch.</summary>
/// <param name="Vendor">The processor's own name of its maker, such as "AuthenticAMD"; empty off x86.</param>
/// <param name="Avx2">256-bit vectors and fused multiply-add.</param>
/// <param name="Avx512">512-bit vectors (foundation, byte/word, doubleword/quadword and vector length extensions).</param>
/// <param name="Bfloat16">Native bfloat16 dot products (AVX512_BF16 or AMX).</param>
public sealed record CpuCapability(string Vendor, bool Avx2, bool Avx512, bool Bfloat16)
{
    /// <summary>The processor this process runs on.</summary>
    public static CpuCapability Current { get; } = Detect();

    /// <summary>True on processors made by AMD.</summary>
    public bool IsAmd => Vendor == "AuthenticAMD";

    /// <summary>The widest of the above in one word: "baseline", "AVX2", "AVX-512" or "AVX-512 bf16".</summary>
    public override string ToString() => (Avx2, Avx512, Bfloat16) switch
    {
        (_, true, true) => "AVX-512 bf16",
        (_, true, false) => "AVX-512",
        (true, _, _) => "AVX2",
        _ => "baseline",
    };

    private static CpuCapability Detect()
    {
        if (!X86Base.IsSupported)
            return new CpuCapability("", false, false, false);
        (int highestLeaf, int ebx, int ecx, int edx) = X86Base.CpuId(0, 0);
        string vendor = Encoding.ASCII.GetString(MemoryMarshal.AsBytes<int>([ebx, edx, ecx]));
        bool avx512 = Avx512F.VL.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported;
        return new CpuCapability(vendor, System.Runtime.Intrinsics.X86.Avx2.IsSupported && Fma.IsSupported, avx512, avx512 && HasBfloat16(highestLeaf));
    }

    // Intel SDM volume 2A, CPUID: leaf 7 subleaf 1 EAX bit 5 is AVX512_BF16, leaf 7 subleaf 0 EDX bit 22 is AMX-BF16.
    private static bool HasBfloat16(int highestLeaf)
    {
        if (highestLeaf < 7)
            return false;
        (int highestSubleaf, _, _, int edx) = X86Base.CpuId(7, 0);
        bool amx = (edx & (1 << 22)) != 0;
        return amx || (highestSubleaf >= 1 && (X86Base.CpuId(7, 1).Eax & (1 << 5)) != 0);
    }
}
