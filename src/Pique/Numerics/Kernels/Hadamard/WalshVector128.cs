using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>Four float32 or two float64 values.</summary>
internal readonly unsafe struct WalshVector128<T> : IWalshVector<WalshVector128<T>, T> where T : unmanaged
{
    private readonly Vector128<T> _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private WalshVector128(Vector128<T> value) => _value = value;

    public static int Count => Vector128<T>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector128<T> Broadcast(T value) => new(Vector128.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector128<T> Load(T* source) => new(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(T* destination) => _value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector128<T> operator +(WalshVector128<T> left, WalshVector128<T> right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector128<T> operator -(WalshVector128<T> left, WalshVector128<T> right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector128<T> operator *(WalshVector128<T> left, WalshVector128<T> right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector128<T> AddSigned(WalshVector128<T> sum, WalshVector128<T> sign, WalshVector128<T> value) => typeof(T) == typeof(float)
        ? Single(sign._value.AsSingle(), value._value.AsSingle(), sum._value.AsSingle())
        : Double(sign._value.AsDouble(), value._value.AsDouble(), sum._value.AsDouble());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector128<T> Combine1(WalshVector128<T> value)
    {
        if (typeof(T) == typeof(double))
        {
            Vector128<double> doubles = value._value.AsDouble();
            Vector128<double> doublePartners = Vector128.Shuffle(doubles, Vector128.Create(1L, 0));
            return Double(Vector128.Create(1d, -1), doubles, doublePartners);
        }

        Vector128<float> singles = value._value.AsSingle();
        Vector128<float> partners = Vector128.Shuffle(singles, Vector128.Create(1, 0, 3, 2));
        return Single(Vector128.Create(1f, -1, 1, -1), singles, partners);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector128<T> Combine2(WalshVector128<T> value)
    {
        if (typeof(T) == typeof(double))
            return value;
        Vector128<float> singles = value._value.AsSingle();
        Vector128<float> partners = Vector128.Shuffle(singles, Vector128.Create(2, 3, 0, 1));
        return Single(Vector128.Create(1f, 1, -1, -1), singles, partners);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector128<T> Combine4(WalshVector128<T> value) => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector128<T> Combine8(WalshVector128<T> value) => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static WalshVector128<T> Single(Vector128<float> sign, Vector128<float> value, Vector128<float> sum) => new(Vector128.MultiplyAddEstimate(sign, value, sum).As<float, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static WalshVector128<T> Double(Vector128<double> sign, Vector128<double> value, Vector128<double> sum) => new(Vector128.MultiplyAddEstimate(sign, value, sum).As<double, T>());
}
