using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>Sixteen lanes in four vectors of 128 bits.</summary>
internal readonly unsafe struct Lanes128 : ILanes<Lanes128>
{
    private readonly Vector128<float> _a;
    private readonly Vector128<float> _b;
    private readonly Vector128<float> _c;
    private readonly Vector128<float> _d;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Lanes128(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d) => (_a, _b, _c, _d) = (a, b, c, d);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Broadcast(float value)
    {
        Vector128<float> all = Vector128.Create(value);
        return new(all, all, all, all);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Load(float* source) =>
        new(Vector128.Load(source), Vector128.Load(source + 4), Vector128.Load(source + 8), Vector128.Load(source + 12));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LoadBFloat16(ushort* source)
    {
        (Vector128<uint> a, Vector128<uint> b) = Vector128.Widen(Vector128.Load(source));
        (Vector128<uint> c, Vector128<uint> d) = Vector128.Widen(Vector128.Load(source + 8));
        return new((a << 16).AsSingle(), (b << 16).AsSingle(), (c << 16).AsSingle(), (d << 16).AsSingle());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 FromBytes(Vector128<byte> values)
    {
        (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(values);
        (Vector128<uint> a, Vector128<uint> b) = Vector128.Widen(low);
        (Vector128<uint> c, Vector128<uint> d) = Vector128.Widen(high);
        return FromIntegers(a.AsInt32(), b.AsInt32(), c.AsInt32(), d.AsInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 FromSignedBytes(Vector128<sbyte> values)
    {
        (Vector128<short> low, Vector128<short> high) = Vector128.Widen(values);
        (Vector128<int> a, Vector128<int> b) = Vector128.Widen(low);
        (Vector128<int> c, Vector128<int> d) = Vector128.Widen(high);
        return FromIntegers(a, b, c, d);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Lanes128 FromIntegers(Vector128<int> a, Vector128<int> b, Vector128<int> c, Vector128<int> d) =>
        new(Vector128.ConvertToSingle(a), Vector128.ConvertToSingle(b), Vector128.ConvertToSingle(c), Vector128.ConvertToSingle(d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<byte> ToCodes(Vector128<short> zeroPoint) => FourLanes.ToCodes(
        Vector128.ConvertToInt32Native(_a), Vector128.ConvertToInt32Native(_b), Vector128.ConvertToInt32Native(_c), Vector128.ConvertToInt32Native(_d), zeroPoint);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* destination)
    {
        _a.Store(destination);
        _b.Store(destination + 4);
        _c.Store(destination + 8);
        _d.Store(destination + 12);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreNonTemporal(float* destination)
    {
        _a.StoreAlignedNonTemporal(destination);
        _b.StoreAlignedNonTemporal(destination + 4);
        _c.StoreAlignedNonTemporal(destination + 8);
        _d.StoreAlignedNonTemporal(destination + 12);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBFloat16(ushort* destination)
    {
        Vector128.Narrow(HighHalf(_a), HighHalf(_b)).Store(destination);
        Vector128.Narrow(HighHalf(_c), HighHalf(_d)).Store(destination + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBFloat16(ushort* destination, ushort* random)
    {
        (Vector128<uint> a, Vector128<uint> b) = Vector128.Widen(Vector128.Load(random));
        (Vector128<uint> c, Vector128<uint> d) = Vector128.Widen(Vector128.Load(random + 8));
        Vector128.Narrow((_a.AsUInt32() + a) >> 16, (_b.AsUInt32() + b) >> 16).Store(destination);
        Vector128.Narrow((_c.AsUInt32() + c) >> 16, (_d.AsUInt32() + d) >> 16).Store(destination + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> HighHalf(Vector128<float> value)
    {
        Vector128<uint> bits = value.AsUInt32();
        Vector128<uint> rounded = (bits + Vector128.Create(0x7FFFu) + ((bits >> 16) & Vector128<uint>.One)) >> 16;
        return Vector128.ConditionalSelect(Vector128.Equals(value, value).AsUInt32(), rounded, Vector128.Create(0x7FC0u));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator +(Lanes128 left, Lanes128 right) => new(left._a + right._a, left._b + right._b, left._c + right._c, left._d + right._d);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator -(Lanes128 left, Lanes128 right) => new(left._a - right._a, left._b - right._b, left._c - right._c, left._d - right._d);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator *(Lanes128 left, Lanes128 right) => new(left._a * right._a, left._b * right._b, left._c * right._c, left._d * right._d);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator /(Lanes128 left, Lanes128 right) => new(left._a / right._a, left._b / right._b, left._c / right._c, left._d / right._d);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 MultiplyAddEstimate(Lanes128 factor, Lanes128 other, Lanes128 term) => new(
        Vector128.MultiplyAddEstimate(factor._a, other._a, term._a),
        Vector128.MultiplyAddEstimate(factor._b, other._b, term._b),
        Vector128.MultiplyAddEstimate(factor._c, other._c, term._c),
        Vector128.MultiplyAddEstimate(factor._d, other._d, term._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 FusedMultiplyAdd(Lanes128 factor, Lanes128 other, Lanes128 term) => new(
        Vector128.FusedMultiplyAdd(factor._a, other._a, term._a),
        Vector128.FusedMultiplyAdd(factor._b, other._b, term._b),
        Vector128.FusedMultiplyAdd(factor._c, other._c, term._c),
        Vector128.FusedMultiplyAdd(factor._d, other._d, term._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 TimesPowerOfTwo(Lanes128 value, Lanes128 power) => new(
        TimesPowerOfTwo(value._a, power._a), TimesPowerOfTwo(value._b, power._b), TimesPowerOfTwo(value._c, power._c), TimesPowerOfTwo(value._d, power._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> TimesPowerOfTwo(Vector128<float> value, Vector128<float> power) =>
        (value.AsInt32() + (Vector128.ConvertToInt32Native(power) << 23)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 operator &(Lanes128 left, Lanes128 right) => new(left._a & right._a, left._b & right._b, left._c & right._c, left._d & right._d);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Round(Lanes128 value) => new(
        Vector128.Round(value._a),
        Vector128.Round(value._b),
        Vector128.Round(value._c),
        Vector128.Round(value._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Sqrt(Lanes128 value) => new(Vector128.Sqrt(value._a), Vector128.Sqrt(value._b), Vector128.Sqrt(value._c), Vector128.Sqrt(value._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Abs(Lanes128 value) => new(Vector128.Abs(value._a), Vector128.Abs(value._b), Vector128.Abs(value._c), Vector128.Abs(value._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 AtMost(Lanes128 value, Lanes128 bound) => new(
        Vector128.MinNative(bound._a, value._a), Vector128.MinNative(bound._b, value._b), Vector128.MinNative(bound._c, value._c), Vector128.MinNative(bound._d, value._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 AtLeast(Lanes128 value, Lanes128 bound) => new(
        Vector128.MaxNative(bound._a, value._a), Vector128.MaxNative(bound._b, value._b), Vector128.MaxNative(bound._c, value._c), Vector128.MaxNative(bound._d, value._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 LessOrEqual(Lanes128 left, Lanes128 right) => new(
        Vector128.LessThanOrEqual(left._a, right._a),
        Vector128.LessThanOrEqual(left._b, right._b),
        Vector128.LessThanOrEqual(left._c, right._c),
        Vector128.LessThanOrEqual(left._d, right._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AllLessOrEqual(Lanes128 left, Lanes128 right) =>
        (Vector128.LessThanOrEqual(left._a, right._a)
        & Vector128.LessThanOrEqual(left._b, right._b)
        & Vector128.LessThanOrEqual(left._c, right._c)
        & Vector128.LessThanOrEqual(left._d, right._d)).ExtractMostSignificantBits() == 0xF;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes128 Select(Lanes128 mask, Lanes128 whereSet, Lanes128 otherwise) => new(
        Vector128.ConditionalSelect(mask._a, whereSet._a, otherwise._a),
        Vector128.ConditionalSelect(mask._b, whereSet._b, otherwise._b),
        Vector128.ConditionalSelect(mask._c, whereSet._c, otherwise._c),
        Vector128.ConditionalSelect(mask._d, whereSet._d, otherwise._d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Sum() => FourLanes.Sum((_a + _c) + (_b + _d));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Largest() => FourLanes.Largest(Vector128.MaxNative(Vector128.MaxNative(_a, _b), Vector128.MaxNative(_c, _d)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Smallest() => FourLanes.Smallest(Vector128.MinNative(Vector128.MinNative(_a, _b), Vector128.MinNative(_c, _d)));
}
