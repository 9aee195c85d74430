using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Pique.Numerics.Kernels;

/// <summary>Sixteen lanes in two vectors of 256 bits.</summary>
internal readonly unsafe struct Lanes256 : ILanes<Lanes256>
{
    private readonly Vector256<float> _a;
    private readonly Vector256<float> _b;

    /// <summary>Takes lanes 0 to 7 and 8 to 15.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Lanes256(Vector256<float> a, Vector256<float> b) => (_a, _b) = (a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Broadcast(float value)
    {
        Vector256<float> all = Vector256.Create(value);
        return new(all, all);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Load(float* source) => new(Vector256.Load(source), Vector256.Load(source + 8));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LoadBFloat16(ushort* source)
    {
        (Vector256<uint> a, Vector256<uint> b) = Vector256.Widen(Vector256.Load(source));
        return new((a << 16).AsSingle(), (b << 16).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 FromBytes(Vector128<byte> values)
    {
        if (Avx2.IsSupported)
            return FromIntegers(Avx2.ConvertToVector256Int32(values), Avx2.ConvertToVector256Int32(Vector128.Shuffle(values.AsUInt64(), Vector128.Create(1ul, 0)).AsByte()));
        (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(values);
        (Vector128<uint> a, Vector128<uint> b) = Vector128.Widen(low);
        (Vector128<uint> c, Vector128<uint> d) = Vector128.Widen(high);
        return FromIntegers(Vector256.Create(a, b).AsInt32(), Vector256.Create(c, d).AsInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 FromSignedBytes(Vector128<sbyte> values)
    {
        if (Avx2.IsSupported)
            return FromIntegers(Avx2.ConvertToVector256Int32(values), Avx2.ConvertToVector256Int32(Vector128.Shuffle(values.AsUInt64(), Vector128.Create(1ul, 0)).AsSByte()));
        (Vector128<short> low, Vector128<short> high) = Vector128.Widen(values);
        (Vector128<int> a, Vector128<int> b) = Vector128.Widen(low);
        (Vector128<int> c, Vector128<int> d) = Vector128.Widen(high);
        return FromIntegers(Vector256.Create(a, b), Vector256.Create(c, d));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Lanes256 FromIntegers(Vector256<int> a, Vector256<int> b) => new(Vector256.ConvertToSingle(a), Vector256.ConvertToSingle(b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<byte> ToCodes(Vector128<short> zeroPoint)
    {
        Vector256<int> a = Vector256.ConvertToInt32Native(_a);
        Vector256<int> b = Vector256.ConvertToInt32Native(_b);
        if (!Avx2.IsSupported)
            return FourLanes.ToCodes(a.GetLower(), a.GetUpper(), b.GetLower(), b.GetUpper(), zeroPoint);

        // Packing works on halves: fours of lanes come in order 0, 2, 1, 3.
        Vector256<short> codes = Avx2.PackSignedSaturate(a, b) + Vector256.Create(zeroPoint, zeroPoint);
        return Vector128.Shuffle(Sse2.PackUnsignedSaturate(codes.GetLower(), codes.GetUpper()).AsInt32(), Vector128.Create(0, 2, 1, 3)).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* destination)
    {
        _a.Store(destination);
        _b.Store(destination + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreNonTemporal(float* destination)
    {
        _a.StoreAlignedNonTemporal(destination);
        _b.StoreAlignedNonTemporal(destination + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBFloat16(ushort* destination) => Vector256.Narrow(HighHalf(_a), HighHalf(_b)).Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBFloat16(ushort* destination, ushort* random)
    {
        (Vector256<uint> a, Vector256<uint> b) = Vector256.Widen(Vector256.Load(random));
        Vector256.Narrow((_a.AsUInt32() + a) >> 16, (_b.AsUInt32() + b) >> 16).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> HighHalf(Vector256<float> value)
    {
        Vector256<uint> bits = value.AsUInt32();
        Vector256<uint> rounded = (bits + Vector256.Create(0x7FFFu) + ((bits >> 16) & Vector256<uint>.One)) >> 16;
        return Vector256.ConditionalSelect(Vector256.Equals(value, value).AsUInt32(), rounded, Vector256.Create(0x7FC0u));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator +(Lanes256 left, Lanes256 right) => new(left._a + right._a, left._b + right._b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator -(Lanes256 left, Lanes256 right) => new(left._a - right._a, left._b - right._b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator *(Lanes256 left, Lanes256 right) => new(left._a * right._a, left._b * right._b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator /(Lanes256 left, Lanes256 right) => new(left._a / right._a, left._b / right._b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 MultiplyAddEstimate(Lanes256 factor, Lanes256 other, Lanes256 term) => new(
        Vector256.MultiplyAddEstimate(factor._a, other._a, term._a), Vector256.MultiplyAddEstimate(factor._b, other._b, term._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 FusedMultiplyAdd(Lanes256 factor, Lanes256 other, Lanes256 term) => new(
        Vector256.FusedMultiplyAdd(factor._a, other._a, term._a), Vector256.FusedMultiplyAdd(factor._b, other._b, term._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 TimesPowerOfTwo(Lanes256 value, Lanes256 power) => new(
        (value._a.AsInt32() + (Vector256.ConvertToInt32Native(power._a) << 23)).AsSingle(),
        (value._b.AsInt32() + (Vector256.ConvertToInt32Native(power._b) << 23)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 operator &(Lanes256 left, Lanes256 right) => new(left._a & right._a, left._b & right._b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Round(Lanes256 value) => new(Vector256.Round(value._a), Vector256.Round(value._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Sqrt(Lanes256 value) => new(Vector256.Sqrt(value._a), Vector256.Sqrt(value._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Abs(Lanes256 value) => new(Vector256.Abs(value._a), Vector256.Abs(value._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 AtMost(Lanes256 value, Lanes256 bound) => new(Vector256.MinNative(bound._a, value._a), Vector256.MinNative(bound._b, value._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 AtLeast(Lanes256 value, Lanes256 bound) => new(Vector256.MaxNative(bound._a, value._a), Vector256.MaxNative(bound._b, value._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 LessOrEqual(Lanes256 left, Lanes256 right) => new(Vector256.LessThanOrEqual(left._a, right._a), Vector256.LessThanOrEqual(left._b, right._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AllLessOrEqual(Lanes256 left, Lanes256 right) =>
        (Vector256.LessThanOrEqual(left._a, right._a) & Vector256.LessThanOrEqual(left._b, right._b)).ExtractMostSignificantBits() == 0xFF;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes256 Select(Lanes256 mask, Lanes256 whereSet, Lanes256 otherwise) => Avx.IsSupported
        ? new(Avx.BlendVariable(otherwise._a, whereSet._a, mask._a), Avx.BlendVariable(otherwise._b, whereSet._b, mask._b))
        : new(Vector256.ConditionalSelect(mask._a, whereSet._a, otherwise._a), Vector256.ConditionalSelect(mask._b, whereSet._b, otherwise._b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Sum()
    {
        Vector256<float> eight = _a + _b;
        return FourLanes.Sum(eight.GetLower() + eight.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Largest()
    {
        Vector256<float> eight = Vector256.MaxNative(_a, _b);
        return FourLanes.Largest(Vector128.MaxNative(eight.GetLower(), eight.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Smallest()
    {
        Vector256<float> eight = Vector256.MinNative(_a, _b);
        return FourLanes.Smallest(Vector128.MinNative(eight.GetLower(), eight.GetUpper()));
    }
}
