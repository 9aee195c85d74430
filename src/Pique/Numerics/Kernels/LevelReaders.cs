using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Pique.Numerics.Kernels;

/// <summary>Reads packed codes as weights, group by group. See docs/math.md §1.</summary>
internal unsafe interface ILevelReader<TSelf, TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    /// <summary>Prepares a reader.</summary>
    /// <param name="bits">Bits a code.</param>
    static abstract TSelf Create(in CodeBits bits);

    /// <summary>Takes the grid of the next group.</summary>
    /// <param name="scale">Its scale.</param>
    /// <param name="lowest">Offset − zero point: exact, and so is its sum with a code, so that it does not matter what is added first.</param>
    /// <param name="firstBit">The bit of its byte that every eighth code begins at.</param>
    void Take(float scale, float lowest, int firstBit);

    /// <summary>Weights of sixteen codes, from a word at the given byte and another b bytes on.</summary>
    TLanes Read(byte* packed);
}

/// <summary>Codes to bytes to floats to weights, for every number of bits.</summary>
internal unsafe struct ArithmeticLevels<TLanes> : ILevelReader<ArithmeticLevels<TLanes>, TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    private CodeBits _bits;
    private TLanes _scale;
    private TLanes _lowest;
    private int _firstBit;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ArithmeticLevels<TLanes> Create(in CodeBits bits) => new() { _bits = bits };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Take(float scale, float lowest, int firstBit)
    {
        _scale = TLanes.Broadcast(scale);
        _lowest = TLanes.Broadcast(lowest);
        _firstBit = firstBit;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly TLanes Read(byte* packed)
    {
        // Eight codes take at most 56 bits and begin within seven bits of a byte, or take 64 and begin with it.
        ulong low = _bits.Unpack(*(ulong*)packed >> _firstBit);
        ulong high = _bits.Unpack(*(ulong*)(packed + _bits.Bits) >> _firstBit);
        return (TLanes.FromBytes(Vector128.Create(low, high).AsByte()) + _lowest) * _scale;
    }
}

/// <summary>A table of the levels, for codes of 2 and 3 bits on AVX2: eight codes lie in one word, and a permutation looks them up.</summary>
internal unsafe struct TableLevels : ILevelReader<TableLevels, Lanes256>
{
    private int _bits;
    private Vector256<float> _codes;
    private Vector256<uint> _places;
    private Vector256<float> _table;
    private Vector256<uint> _shifts;

    /// <summary>Whether the table serves codes of so many bits here.</summary>
    public static bool Serves(int bits) => Avx2.IsSupported && bits is 2 or 3;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TableLevels Create(in CodeBits bits) => new()
    {
        _bits = bits.Bits,

        // The permutation looks at three bits; the third of a 2-bit code belongs to its neighbour and must not matter.
        _codes = bits.Bits == 2 ? Vector256.Create(0f, 1, 2, 3, 0, 1, 2, 3) : Vector256.Create(0f, 1, 2, 3, 4, 5, 6, 7),
        _places = Vector256.Create(0u, 1, 2, 3, 4, 5, 6, 7) * (uint)bits.Bits,
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Take(float scale, float lowest, int firstBit)
    {
        _table = (_codes + Vector256.Create(lowest)) * Vector256.Create(scale);
        _shifts = _places + Vector256.Create((uint)firstBit);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Lanes256 Read(byte* packed) => new(LookUp(packed), LookUp(packed + _bits));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly Vector256<float> LookUp(byte* packed) =>
        Avx2.PermuteVar8x32(_table, Avx2.ShiftRightLogicalVariable(Vector256.Create(*(uint*)packed), _shifts).AsInt32());
}
