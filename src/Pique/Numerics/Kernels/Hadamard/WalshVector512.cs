using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Pique.Numerics.Kernels;

/// <summary>Sixteen float32 or eight float64 values.</summary>
internal readonly unsafe struct WalshVector512<T> : IWalshVector<WalshVector512<T>, T> where T : unmanaged
{
    private readonly Vector512<T> _value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private WalshVector512(Vector512<T> value) => _value = value;

    public static int Count => Vector512<T>.Count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector512<T> Broadcast(T value) => new(Vector512.Create(value));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector512<T> Load(T* source) => new(Vector512.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store(T* destination) => _value.Store(destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector512<T> operator +(WalshVector512<T> left, WalshVector512<T> right) => new(left._value + right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector512<T> operator -(WalshVector512<T> left, WalshVector512<T> right) => new(left._value - right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector512<T> operator *(WalshVector512<T> left, WalshVector512<T> right) => new(left._value * right._value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector512<T> AddSigned(WalshVector512<T> sum, WalshVector512<T> sign, WalshVector512<T> value) => typeof(T) == typeof(float)
        ? Single(sign._value.AsSingle(), value._value.AsSingle(), sum._value.AsSingle())
        : Double(sign._value.AsDouble(), value._value.AsDouble(), sum._value.AsDouble());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector512<T> Combine1(WalshVector512<T> value)
    {
        if (typeof(T) == typeof(double))
        {
            Vector512<double> doubles = value._value.AsDouble();
            Vector512<double> doublePartners = Vector512.Shuffle(doubles, Vector512.Create(1L, 0, 3, 2, 5, 4, 7, 6));
            return Double(Vector512.Create(1d, -1, 1, -1, 1, -1, 1, -1), doubles, doublePartners);
        }

        Vector512<float> singles = value._value.AsSingle();
        Vector512<float> partners = Vector512.Shuffle(singles, Vector512.Create(1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14));
        return Single(Vector512.Create(1f, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1), singles, partners);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector512<T> Combine2(WalshVector512<T> value)
    {
        if (typeof(T) == typeof(double))
        {
            Vector512<double> doubles = value._value.AsDouble();
            Vector512<double> doublePartners = Vector512.Shuffle(doubles, Vector512.Create(2L, 3, 0, 1, 6, 7, 4, 5));
            return Double(Vector512.Create(1d, 1, -1, -1, 1, 1, -1, -1), doubles, doublePartners);
        }

        Vector512<float> singles = value._value.AsSingle();
        Vector512<float> partners = Vector512.Shuffle(singles, Vector512.Create(2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13));
        return Single(Vector512.Create(1f, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1, 1, 1, -1, -1), singles, partners);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector512<T> Combine4(WalshVector512<T> value)
    {
        if (typeof(T) == typeof(double))
        {
            Vector512<double> doubles = value._value.AsDouble();
            Vector512<double> doublePartners = Vector512.Shuffle(doubles, Vector512.Create(4L, 5, 6, 7, 0, 1, 2, 3));
            return Double(Vector512.Create(1d, 1, 1, 1, -1, -1, -1, -1), doubles, doublePartners);
        }

        Vector512<float> singles = value._value.AsSingle();
        Vector512<float> partners = Vector512.Shuffle(singles, Vector512.Create(4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11));
        return Single(Vector512.Create(1f, 1, 1, 1, -1, -1, -1, -1, 1, 1, 1, 1, -1, -1, -1, -1), singles, partners);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static WalshVector512<T> Combine8(WalshVector512<T> value)
    {
        if (typeof(T) == typeof(double))
            return value;
        Vector512<float> singles = value._value.AsSingle();
        Vector512<float> partners = Vector512.Shuffle(singles, Vector512.Create(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
        return Single(Vector512.Create(1f, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1, -1), singles, partners);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static WalshVector512<T> Single(Vector512<float> sign, Vector512<float> value, Vector512<float> sum) => new(Vector512.MultiplyAddEstimate(sign, value, sum).As<float, T>());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static WalshVector512<T> Double(Vector512<double> sign, Vector512<double> value, Vector512<double> sum) => new(Vector512.MultiplyAddEstimate(sign, value, sum).As<double, T>());
}
