using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Follows consecutive weights from group to group.</summary>
internal struct GroupCursor
{
    private readonly long _lineWidth;
    private readonly long _blockSize;
    private long _lineLeft;
    private long _groupLeft;

    /// <summary>Stands before a weight.</summary>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="weight">Index of the weight, counting row by row.</param>
    public GroupCursor(in PackedRows layout, long weight)
    {
        (_lineWidth, _blockSize) = (layout.LineWidth, layout.BlockSize);
        (long line, long column) = Math.DivRem(weight, _lineWidth);
        (long block, long place) = Math.DivRem(column, _blockSize);
        Group = (line * layout.BlocksPerLine) + block;
        _lineLeft = _lineWidth - column;
        _groupLeft = Math.Min(_blockSize - place, _lineLeft);
    }

    /// <summary>The group of the next weight.</summary>
    public long Group { get; private set; }

    /// <summary>Weights of the group that are left, at most a given number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly int Left(int atMost) => (int)Math.Min(_groupLeft, atMost);

    /// <summary>Passes over weights of the group.</summary>
    /// <param name="count">At most as many as are left.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Pass(int count)
    {
        _groupLeft -= count;
        _lineLeft -= count;
        if (_groupLeft > 0)
            return;
        if (_lineLeft == 0)
            _lineLeft = _lineWidth;
        _groupLeft = Math.Min(_blockSize, _lineLeft);
        Group++;
    }
}
