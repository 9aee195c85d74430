using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Follows consecutive weights of one line from group to group.</summary>
internal struct GroupCursor
{
    private readonly long _blockSize;
    private long _groupLeft;

    /// <summary>Stands before a weight.</summary>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="weight">Index of the weight, counting row by row.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public GroupCursor(in PackedRows layout, long weight)
    {
        _blockSize = layout.BlockSize;
        (long line, long column) = Math.DivRem(weight, layout.LineWidth);
        (long block, long place) = Math.DivRem(column, _blockSize);
        Group = (line * layout.BlocksPerLine) + block;
        _groupLeft = _blockSize - place;
    }

    /// <summary>The group of the next weight.</summary>
    public long Group { get; private set; }

    /// <summary>Weights of the group that are left, at most a given number that the line has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int Left(int atMost) => (int)Math.Min(_groupLeft, atMost);

    /// <summary>Passes over weights of the group.</summary>
    /// <param name="count">At most as many as are left.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Pass(int count)
    {
        _groupLeft -= count;
        if (_groupLeft > 0)
            return;
        _groupLeft = _blockSize;
        Group++;
    }
}
