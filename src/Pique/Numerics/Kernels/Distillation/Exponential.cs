using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>e^x for the arguments that a softmax has, x ≤ 0, with an error of at most 1.02 units in the last place and the same bits in every form.</summary>
/// <remarks>
/// x = n·ln 2 + r with |r| ≤ ln 2 / 2 (Cody and Waite 1980, chapter 6): n·ln 2 is subtracted in two parts, each product rounded once
/// with its difference. e^r = 1 + r + r²·q(r), q of degree 4, chosen for the least relative error on that interval, 3.2e-9 with the
/// coefficients rounded to float32 one after another: a twentieth of the rounding of the result. Then n is added to the exponent.
/// Below <see cref="Least"/> the result is e^<see cref="Least"/> = 1.6e-38, which no sum that has a 1 in it can tell from zero, so that
/// exponents need no special cases. What is no number stays so.
/// </remarks>
internal static class Exponential
{
    /// <summary>Arguments below count as this one: the next multiple of ln 2 would leave the normal numbers.</summary>
    public const float Least = -87f;

    private const float InverseLn2 = 1.4426950f;
    private const float Ln2High = 0.69314718f;
    private const float Ln2Low = -1.9046542e-9f;
    private const float Q0 = 0.49999994f;
    private const float Q1 = 0.16666517f;
    private const float Q2 = 0.041668102f;
    private const float Q3 = 0.0083691925f;
    private const float Q4 = 0.0013838902f;

    /// <summary>Sixteen at once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TLanes Of<TLanes>(TLanes argument) where TLanes : unmanaged, ILanes<TLanes>
    {
        TLanes x = TLanes.AtLeast(argument, TLanes.Broadcast(Least));
        TLanes n = TLanes.Round(x * TLanes.Broadcast(InverseLn2));
        TLanes r = TLanes.FusedMultiplyAdd(n, TLanes.Broadcast(-Ln2High), x);
        r = TLanes.FusedMultiplyAdd(n, TLanes.Broadcast(-Ln2Low), r);
        TLanes q = TLanes.FusedMultiplyAdd(TLanes.Broadcast(Q4), r, TLanes.Broadcast(Q3));
        q = TLanes.FusedMultiplyAdd(q, r, TLanes.Broadcast(Q2));
        q = TLanes.FusedMultiplyAdd(q, r, TLanes.Broadcast(Q1));
        q = TLanes.FusedMultiplyAdd(q, r, TLanes.Broadcast(Q0));
        TLanes power = TLanes.FusedMultiplyAdd(q, r * r, r) + TLanes.Broadcast(1f);
        return TLanes.TimesPowerOfTwo(power, n);
    }

    /// <summary>One: the reference.</summary>
    public static float Of(float argument)
    {
        float x = MathF.Max(argument, Least);
        float n = MathF.Round(x * InverseLn2);
        float r = MathF.FusedMultiplyAdd(n, -Ln2High, x);
        r = MathF.FusedMultiplyAdd(n, -Ln2Low, r);
        float q = MathF.FusedMultiplyAdd(Q4, r, Q3);
        q = MathF.FusedMultiplyAdd(q, r, Q2);
        q = MathF.FusedMultiplyAdd(q, r, Q1);
        q = MathF.FusedMultiplyAdd(q, r, Q0);
        float power = MathF.FusedMultiplyAdd(q, r * r, r) + 1f;
        return BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(power) + ((int)n << 23));
    }
}
