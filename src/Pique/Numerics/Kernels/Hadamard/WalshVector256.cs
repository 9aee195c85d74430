using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Pique.Numerics.Kernels;

/// <summary>Eight float32 or four float64 values.</summary>
internal readonly unsafe struct WalshVector256<T> : IWalshVector<WalshVector256<T>, T> where T : unmanaged
{
    private readonly Vector256<T> _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private WalshVector256(Vector256<T> value) => _value = value;

    public static int Count => Vector256<T>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector256<T> Broadcast(T value) => new(Vector256.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector256<T> Load(T* source) => new(Vector256.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(T* destination) => _value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector256<T> operator +(WalshVector256<T> left, WalshVector256<T> right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector256<T> operator -(WalshVector256<T> left, WalshVector256<T> right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector256<T> operator *(WalshVector256<T> left, WalshVector256<T> right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector256<T> AddSigned(WalshVector256<T> sum, WalshVector256<T> sign, WalshVector256<T> value) => typeof(T) == typeof(float)
        ? Single(sign._value.AsSingle(), value._value.AsSingle(), sum._value.AsSingle())
        : Double(sign._value.AsDouble(), value._value.AsDouble(), sum._value.AsDouble());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector256<T> Combine1(WalshVector256<T> value)
    {
        if (typeof(T) == typeof(double))
        {
            Vector256<double> doubles = value._value.AsDouble();
            Vector256<double> doublePartners = Avx.IsSupported ? Avx.Permute(doubles, 0b0101) : Vector256.Shuffle(doubles, Vector256.Create(1L, 0, 3, 2));
            return Double(Vector256.Create(1d, -1, 1, -1), doubles, doublePartners);
        }

        Vector256<float> singles = value._value.AsSingle();
        Vector256<float> partners = Avx.IsSupported ? Avx.Permute(singles, 0b10_11_00_01) : Vector256.Shuffle(singles, Vector256.Create(1, 0, 3, 2, 5, 4, 7, 6));
        return Single(Vector256.Create(1f, -1, 1, -1, 1, -1, 1, -1), singles, partners);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector256<T> Combine2(WalshVector256<T> value)
    {
        if (typeof(T) == typeof(double))
        {
            Vector256<double> doubles = value._value.AsDouble();
            Vector256<double> doublePartners = Avx.IsSupported ? Avx.Permute2x128(doubles, doubles, 1) : Vector256.Shuffle(doubles, Vector256.Create(2L, 3, 0, 1));
            return Double(Vector256.Create(1d, 1, -1, -1), doubles, doublePartners);
        }

        Vector256<float> singles = value._value.AsSingle();
        Vector256<float> partners = Avx.IsSupported ? Avx.Permute(singles, 0b01_00_11_10) : Vector256.Shuffle(singles, Vector256.Create(2, 3, 0, 1, 6, 7, 4, 5));
        return Single(Vector256.Create(1f, 1, -1, -1, 1, 1, -1, -1), singles, partners);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector256<T> Combine4(WalshVector256<T> value)
    {
        if (typeof(T) == typeof(double))
            return value;
        Vector256<float> singles = value._value.AsSingle();
        Vector256<float> partners = Avx.IsSupported ? Avx.Permute2x128(singles, singles, 1) : Vector256.Shuffle(singles, Vector256.Create(4, 5, 6, 7, 0, 1, 2, 3));
        return Single(Vector256.Create(1f, 1, 1, 1, -1, -1, -1, -1), singles, partners);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector256<T> Combine8(WalshVector256<T> value) => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static WalshVector256<T> Single(Vector256<float> sign, Vector256<float> value, Vector256<float> sum) => new(Vector256.MultiplyAddEstimate(sign, value, sum).As<float, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static WalshVector256<T> Double(Vector256<double> sign, Vector256<double> value, Vector256<double> sum) => new(Vector256.MultiplyAddEstimate(sign, value, sum).As<double, T>());
}
