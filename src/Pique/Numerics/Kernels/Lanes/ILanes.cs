using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>Sixteen float32 lanes, held in one, two or four vectors.</summary>
/// <remarks>
/// Every form of a kernel advances by the same sixteen weights, so a sum has the same sixteen partial sums, added by the same tree,
/// whatever the width of a vector: forms agree bit for bit without further care. Products and sums are never contracted.
/// </remarks>
internal unsafe interface ILanes<TSelf> where TSelf : unmanaged, ILanes<TSelf>
{
    /// <summary>The same value in every lane.</summary>
    static abstract TSelf Broadcast(float value);

    /// <summary>Reads sixteen values.</summary>
    static abstract TSelf Load(float* source);

    /// <summary>Reads sixteen bfloat16 values.</summary>
    static abstract TSelf LoadBFloat16(ushort* source);

    /// <summary>Sixteen bytes as values 0 … 255.</summary>
    static abstract TSelf FromBytes(Vector128<byte> values);

    /// <summary>Sixteen bytes as values −128 … 127.</summary>
    static abstract TSelf FromSignedBytes(Vector128<sbyte> values);

    /// <summary>Lanes that hold integers, plus a zero point, as bytes: what is below zero becomes zero.</summary>
    /// <param name="zeroPoint">The zero point, in every element; a sum is at most 255.</param>
    Vector128<byte> ToCodes(Vector128<short> zeroPoint);

    /// <summary>Writes sixteen values.</summary>
    void Store(float* destination);

    /// <summary>Writes sixteen values past the caches; the destination is aligned to 64 bytes.</summary>
    void StoreNonTemporal(float* destination);

    /// <summary>Writes sixteen values as bfloat16, rounded to nearest, ties to even.</summary>
    void StoreBFloat16(ushort* destination);

    /// <summary>Writes sixteen finite values as bfloat16, rounded up where the bits cut off and a random number of 16 bits together overflow: with a probability equal to their share.</summary>
    /// <param name="destination">Receives them.</param>
    /// <param name="random">Sixteen random numbers.</param>
    void StoreBFloat16(ushort* destination, ushort* random);

    /// <summary>Sum.</summary>
    static abstract TSelf operator +(TSelf left, TSelf right);

    /// <summary>Difference.</summary>
    static abstract TSelf operator -(TSelf left, TSelf right);

    /// <summary>Product.</summary>
    static abstract TSelf operator *(TSelf left, TSelf right);

    /// <summary>Quotient, by true division.</summary>
    static abstract TSelf operator /(TSelf left, TSelf right);

    /// <summary>factor·other + term, rounded once or twice as the processor likes: only for what is exact or checked either way.</summary>
    static abstract TSelf MultiplyAddEstimate(TSelf factor, TSelf other, TSelf term);

    /// <summary>factor·other + term, rounded once on every processor, in software where it lacks the instruction.</summary>
    static abstract TSelf FusedMultiplyAdd(TSelf factor, TSelf other, TSelf term);

    /// <summary>Value times two to an integer power, by adding to its exponent: both are normal numbers, and so is the result.</summary>
    static abstract TSelf TimesPowerOfTwo(TSelf value, TSelf power);

    /// <summary>Bits set in both: a mask applied to values.</summary>
    static abstract TSelf operator &(TSelf left, TSelf right);

    /// <summary>The nearest integers, ties to even.</summary>
    static abstract TSelf Round(TSelf value);

    /// <summary>Square roots, correctly rounded.</summary>
    static abstract TSelf Sqrt(TSelf value);

    /// <summary>Magnitudes.</summary>
    static abstract TSelf Abs(TSelf value);

    /// <summary>The smaller of a bound and a value; a value that is no number stays.</summary>
    static abstract TSelf AtMost(TSelf value, TSelf bound);

    /// <summary>The larger of a bound and a value; a value that is no number stays.</summary>
    static abstract TSelf AtLeast(TSelf value, TSelf bound);

    /// <summary>A mask: all bits where left ≤ right.</summary>
    static abstract TSelf LessOrEqual(TSelf left, TSelf right);

    /// <summary>Whether left ≤ right in every lane; not so where either is no number.</summary>
    static abstract bool AllLessOrEqual(TSelf left, TSelf right);

    /// <summary>The first value where the mask is set, else the second.</summary>
    static abstract TSelf Select(TSelf mask, TSelf whereSet, TSelf otherwise);

    /// <summary>Sum over the lanes: lane i and i + 8, then i + 4, then i + 2, then i + 1.</summary>
    float Sum();

    /// <summary>Largest lane.</summary>
    float Largest();

    /// <summary>Smallest lane.</summary>
    float Smallest();
}
