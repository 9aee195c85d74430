using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>The grid of one group: the arithmetic of rounding, in scalar and in sixteen lanes side by side. Math of record §1.</summary>
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

    /// <summary>Levels of sixteen w/s, less the offset.</summary>
    /// <remarks>Constants are spread over lanes where they are used: a load that does so costs no more than one that does not, and a small grid is cheap to make for every block.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Integers<TLanes>(TLanes quotients) where TLanes : unmanaged, ILanes<TLanes> =>
        TLanes.AtMost(TLanes.AtLeast(TLanes.Round(quotients - TLanes.Broadcast(Offset)), TLanes.Broadcast(Lowest)), TLanes.Broadcast(Highest));

    /// <summary>Levels of sixteen w/s.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes Levels<TLanes>(TLanes quotients) where TLanes : unmanaged, ILanes<TLanes> => Integers(quotients) + TLanes.Broadcast(Offset);

    /// <summary>Mask of the lanes whose w/s lies between the lowest and the highest level.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public TLanes InRange<TLanes>(TLanes quotients) where TLanes : unmanaged, ILanes<TLanes> =>
        TLanes.LessOrEqual(TLanes.Broadcast(Lowest + Offset), quotients) & TLanes.LessOrEqual(quotients, TLanes.Broadcast(Highest + Offset));
}
