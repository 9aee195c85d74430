using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>The logistic function and what it leaves of one, with an error of at most 3 units in the last place each and the same bits in every form.</summary>
/// <remarks>
/// Both are 1/(1 + e) and e/(1 + e) with e = e^(−|x|), so nothing cancels on either side. Below −87 e stays at 1.6e-38, see
/// <see cref="Exponential"/>: the value is too large there by no more than that.
/// </remarks>
internal static class Sigmoid
{
    /// <summary>Sixteen at once.</summary>
    /// <param name="argument">x.</param>
    /// <param name="value">1/(1 + e^−x).</param>
    /// <param name="complement">1 − value.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Of<TLanes>(TLanes argument, out TLanes value, out TLanes complement) where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes one = TLanes.Broadcast(1f), zero = TLanes.Broadcast(0f);
        TLanes power = Exponential.Of(zero - TLanes.Abs(argument));
        TLanes larger = one / (one + power);
        TLanes smaller = power * larger;
        TLanes isPositive = TLanes.LessOrEqual(zero, argument);
        value = TLanes.Select(isPositive, larger, smaller);
        complement = TLanes.Select(isPositive, smaller, larger);
    }

    /// <summary>One: the reference.</summary>
    /// <param name="argument">x.</param>
    /// <returns>1/(1 + e^−x) and 1 minus that.</returns>
    public static (float Value, float Complement) Of(float argument)
    {
        float power = Exponential.Of(0f - MathF.Abs(argument));
        float larger = 1f / (1f + power);
        float smaller = power * larger;
        return argument >= 0f ? (larger, smaller) : (smaller, larger);
    }
}
