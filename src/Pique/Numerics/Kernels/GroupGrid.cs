using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>The grid of one group: the arithmetic of rounding, in scalar and in sixteen lanes side by side. See docs/math.md §1.</summary>
/// <remarks>
/// level = clamp(roundHalfEven(w/s − offset), −z, 2^b − 1 − z) + offset. Rounding comes before the zero point is added, so that ties go
/// to even levels whatever z is; adding the offset turns a level of −0 into +0, which is what codes read back as. What is no number
/// stays no number.
/// </remarks>
internal readonly struct GroupGrid
{
    /// <summary>Takes the grid of a group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public GroupGrid(float scale, float zeroPoint, float maxCode, float offset)
    {
        Scale = scale;
        Lowest = -zeroPoint;
        Highest = maxCode - zeroPoint;
        Offset = offset;
    }

    /// <summary>Takes the grid of a group.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe GroupGrid(in GridPointers grid, long group) : this(grid.Scales[group], grid.ZeroPoint(group), grid.MaxCode, grid.Offset)
    {
    }

    /// <summary>Scale.</summary>
    public float Scale { get; }

    /// <summary>Lowest level less the offset.</summary>
    public float Lowest { get; }

    /// <summary>Highest level less the offset.</summary>
    public float Highest { get; }

    /// <summary>½ on the half-integer grid, else 0.</summary>
    public float Offset { get; }

    /// <summary>Level of w/s, less the offset.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Integer(float quotient)
    {
        float rounded = MathF.Round(quotient - Offset, MidpointRounding.ToEven);
        return rounded < Lowest ? Lowest : rounded > Highest ? Highest : rounded;
    }

    /// <summary>Level of w/s.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Level(float quotient) => Integer(quotient) + Offset;

    /// <summary>Whether w/s lies between the lowest and the highest level.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool InRange(float quotient) => Lowest + Offset <= quotient && quotient <= Highest + Offset;
}

/// <summary>A <see cref="GroupGrid"/> spread over lanes. Kept in locals, never in a field: there it stays in registers.</summary>
internal readonly struct GroupGrid<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    private readonly TLanes _lowest;
    private readonly TLanes _highest;
    private readonly TLanes _offset;
    private readonly TLanes _lowestLevel;
    private readonly TLanes _highestLevel;

    /// <summary>Spreads a grid.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public GroupGrid(in GroupGrid grid)
    {
        Scale = TLanes.Broadcast(grid.Scale);
        _lowest = TLanes.Broadcast(grid.Lowest);
        _highest = TLanes.Broadcast(grid.Highest);
        _offset = TLanes.Broadcast(grid.Offset);
        _lowestLevel = TLanes.Broadcast(grid.Lowest + grid.Offset);
        _highestLevel = TLanes.Broadcast(grid.Highest + grid.Offset);
    }

    /// <summary>Scale.</summary>
    public TLanes Scale { [MethodImpl(MethodImplOptions.AggressiveInlining)] get; }

    /// <summary>Levels of w/s, less the offset.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Integer(TLanes quotient) => TLanes.AtMost(TLanes.AtLeast(TLanes.Round(quotient - _offset), _lowest), _highest);

    /// <summary>Levels of w/s.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Level(TLanes quotient) => Integer(quotient) + _offset;

    /// <summary>Mask of the lanes whose w/s lies between the lowest and the highest level.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes InRange(TLanes quotient) => TLanes.LessOrEqual(_lowestLevel, quotient) & TLanes.LessOrEqual(quotient, _highestLevel);
}
