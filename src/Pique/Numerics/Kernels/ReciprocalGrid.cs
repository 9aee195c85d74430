using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary><see cref="GroupGrid{TLanes}.Integer"/> of w/s without dividing, wherever the result is certain to be the same.</summary>
/// <remarks>
/// w·(1/s) differs from w/s, both rounded to float32, by less than 2^−12 wherever the level is not clamped: |w/s| ≤ 256, and three
/// roundings of 2^−24 each, or of 2^−22 where 1/s is subnormal, and two subtractions of the offset within 2^−16 each. So if w·(1/s) −
/// offset lies further than 2^−12 from the midpoint between two integers, w/s rounds to the same integer. Otherwise, and where
/// anything is no number, the sixteen lanes are divided: about one step in a hundred of smooth data.
/// </remarks>
internal readonly struct ReciprocalGrid<TLanes> where TLanes : unmanaged, ILanes<TLanes>
{
    private const float Certain = 0.5f - (1f / 4096);

    private readonly TLanes _reciprocal;
    private readonly TLanes _scale;
    private readonly TLanes _highest;
    private readonly TLanes _negativeOffset;
    private readonly TLanes _certain;
    private readonly Vector128<short> _zeroPoint;

    /// <summary>Spreads a grid over lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReciprocalGrid(in GroupGrid grid)
    {
        _reciprocal = TLanes.Broadcast(1f / grid.Scale);
        _scale = TLanes.Broadcast(grid.Scale);
        _highest = TLanes.Broadcast(grid.Highest);
        _negativeOffset = TLanes.Broadcast(-grid.Offset);
        _certain = TLanes.Broadcast(Certain);
        _zeroPoint = Vector128.Create((short)-grid.Lowest);
    }

    /// <summary>Codes of sixteen weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<byte> Codes(TLanes weight)
    {
        TLanes position = TLanes.MultiplyAddEstimate(weight, _reciprocal, _negativeOffset);
        TLanes rounded = TLanes.Round(position);
        if (!TLanes.AllLessOrEqual(TLanes.Abs(position - rounded), _certain))
            rounded = TLanes.Round((weight / _scale) + _negativeOffset);
        return TLanes.AtMost(rounded, _highest).ToCodes(_zeroPoint);
    }
}
