using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Pique.Numerics.Kernels;

/// <summary>Sixteen lanes in one vector of 512 bits.</summary>
internal readonly unsafe struct Lanes512 : ILanes<Lanes512>
{
    private readonly Vector512<float> _all;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Lanes512(Vector512<float> all) => _all = all;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Broadcast(float value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Load(float* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LoadBFloat16(ushort* source) => new((Widen(source) << 16).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Widen(ushort* source)
    {
        Vector256<ushort> values = Vector256.Load(source);
        if (Avx512F.IsSupported)
            return Avx512F.ConvertToVector512UInt32(values);
        (Vector256<uint> lower, Vector256<uint> upper) = Vector256.Widen(values);
        return Vector512.Create(lower, upper);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 FromBytes(Vector128<byte> values)
    {
        if (Avx512F.IsSupported)
            return new(Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(values)));
        (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(values);
        (Vector128<uint> a, Vector128<uint> b) = Vector128.Widen(low);
        (Vector128<uint> c, Vector128<uint> d) = Vector128.Widen(high);
        return new(Vector512.ConvertToSingle(Vector512.Create(Vector256.Create(a, b), Vector256.Create(c, d)).AsInt32()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 FromSignedBytes(Vector128<sbyte> values)
    {
        if (Avx512F.IsSupported)
            return new(Vector512.ConvertToSingle(Avx512F.ConvertToVector512Int32(values)));
        (Vector128<short> low, Vector128<short> high) = Vector128.Widen(values);
        (Vector128<int> a, Vector128<int> b) = Vector128.Widen(low);
        (Vector128<int> c, Vector128<int> d) = Vector128.Widen(high);
        return new(Vector512.ConvertToSingle(Vector512.Create(Vector256.Create(a, b), Vector256.Create(c, d))));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector128<byte> ToCodes(Vector128<short> zeroPoint)
    {
        Vector512<int> codes = Vector512.ConvertToInt32Native(_all);
        if (!Avx512F.IsSupported)
            return FourLanes.ToCodes(codes.GetLower().GetLower(), codes.GetLower().GetUpper(), codes.GetUpper().GetLower(), codes.GetUpper().GetUpper(), zeroPoint);
        return Avx512F.ConvertToVector128Byte(Vector512.Max(codes + Vector512.Create((int)zeroPoint.ToScalar()), Vector512<int>.Zero).AsUInt32());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(float* destination) => _all.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreNonTemporal(float* destination) => _all.StoreAlignedNonTemporal(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBFloat16(ushort* destination)
    {
        Vector512<uint> bits = _all.AsUInt32();
        Vector512<uint> rounded = (bits + Vector512.Create(0x7FFFu) + ((bits >> 16) & Vector512<uint>.One)) >> 16;
        Vector512<uint> high = Vector512.ConditionalSelect(Vector512.Equals(_all, _all).AsUInt32(), rounded, Vector512.Create(0x7FC0u));
        Vector256.Narrow(high.GetLower(), high.GetUpper()).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void StoreBFloat16(ushort* destination, ushort* random)
    {
        Vector512<uint> high = (_all.AsUInt32() + Widen(random)) >> 16;
        Vector256.Narrow(high.GetLower(), high.GetUpper()).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator +(Lanes512 left, Lanes512 right) => new(left._all + right._all);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator -(Lanes512 left, Lanes512 right) => new(left._all - right._all);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator *(Lanes512 left, Lanes512 right) => new(left._all * right._all);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator /(Lanes512 left, Lanes512 right) => new(left._all / right._all);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 MultiplyAddEstimate(Lanes512 factor, Lanes512 other, Lanes512 term) => new(Vector512.MultiplyAddEstimate(factor._all, other._all, term._all));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 FusedMultiplyAdd(Lanes512 factor, Lanes512 other, Lanes512 term) => new(Vector512.FusedMultiplyAdd(factor._all, other._all, term._all));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 TimesPowerOfTwo(Lanes512 value, Lanes512 power) =>
        new((value._all.AsInt32() + (Vector512.ConvertToInt32Native(power._all) << 23)).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 operator &(Lanes512 left, Lanes512 right) => new(left._all & right._all);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Round(Lanes512 value) => new(Vector512.Round(value._all));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Sqrt(Lanes512 value) => new(Vector512.Sqrt(value._all));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Abs(Lanes512 value) => new(Vector512.Abs(value._all));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 AtMost(Lanes512 value, Lanes512 bound) => new(Vector512.MinNative(bound._all, value._all));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 AtLeast(Lanes512 value, Lanes512 bound) => new(Vector512.MaxNative(bound._all, value._all));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 LessOrEqual(Lanes512 left, Lanes512 right) => new(Vector512.LessThanOrEqual(left._all, right._all));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AllLessOrEqual(Lanes512 left, Lanes512 right) => Vector512.LessThanOrEqualAll(left._all, right._all);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Lanes512 Select(Lanes512 mask, Lanes512 whereSet, Lanes512 otherwise) => new(Vector512.ConditionalSelect(mask._all, whereSet._all, otherwise._all));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Sum()
    {
        Vector256<float> eight = _all.GetLower() + _all.GetUpper();
        return FourLanes.Sum(eight.GetLower() + eight.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Largest()
    {
        Vector256<float> eight = Vector256.MaxNative(_all.GetLower(), _all.GetUpper());
        return FourLanes.Largest(Vector128.MaxNative(eight.GetLower(), eight.GetUpper()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Smallest()
    {
        Vector256<float> eight = Vector256.MinNative(_all.GetLower(), _all.GetUpper());
        return FourLanes.Smallest(Vector128.MinNative(eight.GetLower(), eight.GetUpper()));
    }
}
