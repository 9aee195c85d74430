using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Pique.Numerics.Kernels;

/// <summary>Reads packed codes of one group as weights. Math of record §1.</summary>
internal unsafe interface ILevelReader<TSelf, TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    /// <summary>Takes the grid of the group.</summary>
    /// <param name="grid">The grid of every group.</param>
    /// <param name="group">Index of the group.</param>
    /// <param name="bits">Bits a code.</param>
    /// <param name="firstBit">The bit of its byte that every eighth code begins at.</param>
    static abstract TSelf Create(in GridPointers grid, long group, in CodeBits bits, int firstBit);

    /// <summary>Weights of sixteen codes, from a word at the given byte and another b bytes on.</summary>
    TLanes Read(byte* packed);
}

/// <summary>Codes to bytes to floats to weights, for every number of bits.</summary>
internal readonly unsafe struct ArithmeticLevels<TLanes> : ILevelReader<ArithmeticLevels<TLanes>, TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    private readonly TLanes _scale;
    private readonly TLanes _lowest;
    private readonly CodeBits _bits;
    private readonly int _firstBit;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ArithmeticLevels(float scale, float lowest, in CodeBits bits, int firstBit)
    {
        (_bits, _firstBit) = (bits, firstBit);
        _scale = TLanes.Broadcast(scale);
        _lowest = TLanes.Broadcast(lowest);
    }

    // Offset − zero point is exact, and so is its sum with a code: it does not matter what is added first.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArithmeticLevels<TLanes> Create(in GridPointers grid, long group, in CodeBits bits, int firstBit) =>
        new(grid.Scales[group], grid.Offset - grid.ZeroPoint(group), bits, firstBit);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Read(byte* packed)
    {
        // Eight codes take at most 56 bits and begin within seven bits of a byte, or take 64 and begin with it.
        ulong low = _bits.Unpack(*(ulong*)packed >> _firstBit);
        ulong high = _bits.Unpack(*(ulong*)(packed + _bits.Bits) >> _firstBit);
        return (TLanes.FromBytes(Vector128.Create(low, high).AsByte()) + _lowest) * _scale;
    }
}

/// <summary>A table of the levels, for codes of 2 and 3 bits on AVX2: eight codes lie in one word, and a permutation looks them up.</summary>
internal readonly unsafe struct TableLevels : ILevelReader<TableLevels, Lanes256>
{
    private readonly Vector256<float> _table;
    private readonly Vector256<uint> _shifts;
    private readonly int _bits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private TableLevels(Vector256<float> table, Vector256<uint> shifts, int bits) => (_table, _shifts, _bits) = (table, shifts, bits);

    /// <summary>Whether the table serves codes of so many bits here.</summary>
    public static bool Serves(int bits) => Avx2.IsSupported && bits is 2 or 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TableLevels Create(in GridPointers grid, long group, in CodeBits bits, int firstBit)
    {
        // The permutation looks at three bits; the third of a 2-bit code belongs to its neighbour and must not matter.
        Vector256<float> codes = bits.Bits == 2 ? Vector256.Create(0f, 1, 2, 3, 0, 1, 2, 3) : Vector256.Create(0f, 1, 2, 3, 4, 5, 6, 7);
        Vector256<uint> shifts = Vector256.Create((uint)firstBit) + (bits.Bits == 2 ? Vector256.Create(0u, 2, 4, 6, 8, 10, 12, 14) : Vector256.Create(0u, 3, 6, 9, 12, 15, 18, 21));
        return new((codes + Vector256.Create(grid.Offset - grid.ZeroPoint(group))) * Vector256.Create(grid.Scales[group]), shifts, bits.Bits);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Lanes256 Read(byte* packed) => new(LookUp(packed), LookUp(packed + _bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector256<float> LookUp(byte* packed) =>
        Avx2.PermuteVar8x32(_table, Avx2.ShiftRightLogicalVariable(Vector256.Create(*(uint*)packed), _shifts).AsInt32());
}
