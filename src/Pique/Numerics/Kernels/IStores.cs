using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>How a kernel writes sixteen results.</summary>
internal unsafe interface IStores
{
    /// <summary>Bytes of a result.</summary>
    static virtual int Bytes => sizeof(float);

    /// <summary>Writes sixteen values.</summary>
    static abstract void Store<TLanes>(TLanes values, float* destination) where TLanes : unmanaged, ILanes<TLanes>;
}

/// <summary>Into the caches, for results that are read again soon.</summary>
internal readonly unsafe struct ThroughTheCaches : IStores
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TLanes>(TLanes values, float* destination) where TLanes : unmanaged, ILanes<TLanes> => values.Store(destination);
}

/// <summary>Past the caches, for outputs larger than they are; the destination is aligned to 64 bytes.</summary>
internal readonly unsafe struct PastTheCaches : IStores
{
    /// <summary>Outputs of this size and more leave the caches before anyone reads them.</summary>
    public const long LeastBytes = 8L << 20;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TLanes>(TLanes values, float* destination) where TLanes : unmanaged, ILanes<TLanes> => values.StoreNonTemporal(destination);
}

/// <summary>As bfloat16.</summary>
internal readonly unsafe struct AsBFloat16 : IStores
{
    public static int Bytes => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store<TLanes>(TLanes values, float* destination) where TLanes : unmanaged, ILanes<TLanes> => values.StoreBFloat16((ushort*)destination);
}
