using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Pique.Numerics.Kernels;

/// <summary>Moves eight codes between eight bytes and the 8·b bits they are packed in, the layout of <see cref="BitPacking"/>.</summary>
/// <remarks>
/// BMI2 has an instruction for either way. Without it three steps move halves, quarters and eighths of the word, each by what the
/// padding above a code leaves free.
/// </remarks>
internal readonly struct CodeBits
{
    private readonly ulong _codes;
    private readonly ulong _evenCodes;
    private readonly ulong _evenPairs;
    private readonly ulong _lowQuad;

    /// <summary>Prepares the masks.</summary>
    /// <param name="bits">Bits a code, 1 to 8.</param>
    public CodeBits(int bits)
    {
        Bits = bits;
        _codes = ((1ul << bits) - 1) * 0x0101_0101_0101_0101;
        _evenCodes = ((1ul << bits) - 1) * 0x0001_0001_0001_0001;
        _evenPairs = ((1ul << (2 * bits)) - 1) * 0x0000_0001_0000_0001;
        _lowQuad = (1ul << (4 * bits)) - 1;
    }

    /// <summary>Bits a code; also the bytes that eight codes are packed in.</summary>
    public int Bits { get; }

    /// <summary>Packs eight codes.</summary>
    /// <param name="codes">A code in each byte, the first in the lowest.</param>
    /// <returns>The codes in the lowest 8·b bits; zeros above.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Pack(ulong codes) => Bmi2.X64.IsSupported ? Bmi2.X64.ParallelBitExtract(codes, _codes) : PackPortable(codes);

    /// <summary>Unpacks eight codes.</summary>
    /// <param name="packed">The codes in the lowest 8·b bits; bits above do not matter.</param>
    /// <returns>A code in each byte, the first in the lowest.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Unpack(ulong packed) => Bmi2.X64.IsSupported ? Bmi2.X64.ParallelBitDeposit(packed, _codes) : UnpackPortable(packed);

    /// <summary><see cref="Pack"/> by shifts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong PackPortable(ulong codes)
    {
        int free = 8 - Bits;
        ulong pairs = (codes & _evenCodes) | ((codes >> free) & (_evenCodes << Bits));
        ulong quads = (pairs & _evenPairs) | ((pairs >> (2 * free)) & (_evenPairs << (2 * Bits)));
        return (quads & _lowQuad) | ((quads >> (4 * free)) & (_lowQuad << (4 * Bits)));
    }

    /// <summary><see cref="Unpack"/> by shifts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong UnpackPortable(ulong packed)
    {
        int free = 8 - Bits;
        ulong quads = (packed & _lowQuad) | ((packed << (4 * free)) & (_lowQuad << 32));
        ulong pairs = (quads & _evenPairs) | ((quads << (2 * free)) & (_evenPairs << 16));
        return (pairs & _evenCodes) | ((pairs << free) & (_evenCodes << 8));
    }
}
