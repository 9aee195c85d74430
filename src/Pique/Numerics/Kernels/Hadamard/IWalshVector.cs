namespace Pique.Numerics.Kernels;

/// <summary>A vector of 128, 256 or 512 bits, as the Hadamard kernels use it.</summary>
/// <remarks>
/// Unlike the kernels over <see cref="ILanes{TSelf}"/>, these never add lanes up into one: every form
/// does to each value what the scalar reference does, in the same order, however many values stand side by side. So one vector at a time
/// serves, which leaves room for eight of them in the sixteen registers of AVX2.
/// </remarks>
/// <typeparam name="TSelf">The vector.</typeparam>
/// <typeparam name="T">float or double.</typeparam>
internal unsafe interface IWalshVector<TSelf, T>
    where TSelf : unmanaged, IWalshVector<TSelf, T>
    where T : unmanaged
{
    /// <summary>Values in a vector.</summary>
    static abstract int Count { get; }

    /// <summary>The same value in every lane.</summary>
    static abstract TSelf Broadcast(T value);

    /// <summary>Reads a vector.</summary>
    static abstract TSelf Load(T* source);

    /// <summary>Writes the vector.</summary>
    void Store(T* destination);

    /// <summary>Sum.</summary>
    static abstract TSelf operator +(TSelf left, TSelf right);

    /// <summary>Difference.</summary>
    static abstract TSelf operator -(TSelf left, TSelf right);

    /// <summary>Product.</summary>
    static abstract TSelf operator *(TSelf left, TSelf right);

    /// <summary>sum + sign·value, where sign is ±1 in every lane: exact but for the addition, and so the same with one rounding or two.</summary>
    static abstract TSelf AddSigned(TSelf sum, TSelf sign, TSelf value);

    /// <summary>(a, b) → (a + b, a − b) for values a and b of the vector at distance 1; every vector has that.</summary>
    static abstract TSelf Combine1(TSelf value);

    /// <summary>The same at distance 2; a vector that has no such distance stays.</summary>
    static abstract TSelf Combine2(TSelf value);

    /// <summary>The same at distance 4; a vector that has no such distance stays.</summary>
    static abstract TSelf Combine4(TSelf value);

    /// <summary>The same at distance 8; a vector that has no such distance stays.</summary>
    static abstract TSelf Combine8(TSelf value);
}
