using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>The gradient through rounding, in scalar and in lanes side by side. See docs/math.md §2. Every form includes the warm-up: (1 − ρ)·g + ρ·estimate.</summary>
internal interface IStraightThrough
{
    /// <summary>Gradient of one weight.</summary>
    /// <param name="gradient">g, ∂L/∂ŵ.</param>
    /// <param name="unrounded">(1 − ρ)·g, what passes beside the rounding; 0 at ρ = 1.</param>
    /// <param name="rounded">The weight and what it was rounded to.</param>
    /// <param name="parameter">The estimator's parameter, see its type.</param>
    static abstract float Gradient(float gradient, float unrounded, in Rounded rounded, float parameter);

    /// <summary>Gradient of sixteen weights.</summary>
    static abstract TLanes Gradient<TLanes>(TLanes gradient, TLanes unrounded, in Rounded<TLanes> rounded, TLanes parameter) where TLanes : unmanaged, ILanes<TLanes>;
}

/// <summary>A weight and what it was rounded to.</summary>
/// <param name="Weight">w.</param>
/// <param name="Quotient">w/s.</param>
/// <param name="Level">ŵ/s.</param>
/// <param name="Value">ŵ.</param>
/// <param name="InRange">Whether w/s lies within the grid.</param>
internal readonly record struct Rounded(float Weight, float Quotient, float Level, float Value, bool InRange);

/// <summary>Sixteen weights and what they were rounded to.</summary>
/// <param name="Weight">w.</param>
/// <param name="Quotient">w/s.</param>
/// <param name="Level">ŵ/s.</param>
/// <param name="Value">ŵ.</param>
/// <param name="InRange">Mask of the lanes whose w/s lies within the grid.</param>
internal readonly record struct Rounded<TLanes>(TLanes Weight, TLanes Quotient, TLanes Level, TLanes Value, TLanes InRange) where TLanes : unmanaged, ILanes<TLanes>;

/// <summary>g (Bengio et al. 2013, arXiv:1308.3432).</summary>
internal readonly struct StandardEstimator : IStraightThrough
{
    public static float Gradient(float gradient, float unrounded, in Rounded rounded, float parameter) => gradient;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Gradient<TLanes>(TLanes gradient, TLanes unrounded, in Rounded<TLanes> rounded, TLanes parameter) where TLanes : unmanaged, ILanes<TLanes> => gradient;
}

/// <summary>g where |w| ≤ the parameter, else 0.</summary>
internal readonly struct ClippedEstimator : IStraightThrough
{
    public static float Gradient(float gradient, float unrounded, in Rounded rounded, float parameter) =>
        MathF.Abs(rounded.Weight) <= parameter ? gradient : unrounded;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Gradient<TLanes>(TLanes gradient, TLanes unrounded, in Rounded<TLanes> rounded, TLanes parameter) where TLanes : unmanaged, ILanes<TLanes> =>
        TLanes.Select(TLanes.LessOrEqual(TLanes.Abs(rounded.Weight), parameter), gradient, unrounded);
}

/// <summary>g within the grid, else 0 (LSQ, Esser et al. 2020, arXiv:1902.08153, equation 5).</summary>
internal readonly struct LearnedStepSizeEstimator : IStraightThrough
{
    public static float Gradient(float gradient, float unrounded, in Rounded rounded, float parameter) =>
        rounded.InRange ? gradient : unrounded;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Gradient<TLanes>(TLanes gradient, TLanes unrounded, in Rounded<TLanes> rounded, TLanes parameter) where TLanes : unmanaged, ILanes<TLanes> =>
        TLanes.Select(rounded.InRange, gradient, unrounded);
}

/// <summary>g·(1 + λ·|w − ŵ|), as the configuration format defines it; the parameter is ρ·λ.</summary>
internal readonly struct EwgsEstimator : IStraightThrough
{
    public static float Gradient(float gradient, float unrounded, in Rounded rounded, float parameter) =>
        gradient * (1f + (parameter * MathF.Abs(rounded.Weight - rounded.Value)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Gradient<TLanes>(TLanes gradient, TLanes unrounded, in Rounded<TLanes> rounded, TLanes parameter) where TLanes : unmanaged, ILanes<TLanes> =>
        gradient * (TLanes.Broadcast(1f) + (parameter * TLanes.Abs(rounded.Weight - rounded.Value)));
}

/// <summary>g + δ·|g|·(w − ŵ)/s, which is g·(1 + δ·sign(g)·(w − ŵ)/s) (EWGS, Lee et al. 2021, arXiv:2104.00903, equation 5); the parameter is ρ·δ.</summary>
internal readonly struct SignedEwgsEstimator : IStraightThrough
{
    public static float Gradient(float gradient, float unrounded, in Rounded rounded, float parameter) =>
        gradient + (MathF.Abs(gradient) * (parameter * (rounded.Quotient - rounded.Level)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Gradient<TLanes>(TLanes gradient, TLanes unrounded, in Rounded<TLanes> rounded, TLanes parameter) where TLanes : unmanaged, ILanes<TLanes> =>
        gradient + (TLanes.Abs(gradient) * (parameter * (rounded.Quotient - rounded.Level)));
}
