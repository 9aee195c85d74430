using System.Numerics;
using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>The fast Walsh–Hadamard transform: (a, b) → (a + b, a − b) at distances 1, 2, 4, …, eight vectors in registers at a time.</summary>
/// <remarks>Each value meets the same partners in the same order as in the plain loop over distances, so the bits are the same.</remarks>
internal static unsafe class WalshPasses<TVector, T>
    where TVector : unmanaged, IWalshVector<TVector, T>
    where T : unmanaged, INumber<T>
{
    /// <summary>Half a first-level cache: what passes dwell on before they go on.</summary>
    private const int DwellBytes = 1 << 14;

    /// <summary>Transforms consecutive values, side by side where <paramref name="first"/> is more than 1.</summary>
    /// <param name="values">The values, transformed in place.</param>
    /// <param name="count">Their number: <paramref name="first"/> times a power of two.</param>
    /// <param name="first">Distance of the first partners: 1, where <paramref name="count"/> is at least a vector, or a multiple of a vector.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(T* values, long count, long first)
    {
        long distance = first, dwell = first;
        while (2 * dwell <= DwellBytes / sizeof(T) && dwell < count)
            dwell *= 2;
        if (dwell < count && dwell > first)
        {
            for (long start = 0; start < count; start += dwell)
                Run(values + start, dwell, first);
            distance = dwell;
        }
        else if (distance == 1)
        {
            distance = Contiguous(values, count);
        }

        for (; 8 * distance <= count; distance *= 8)
            Eight(values, count, distance);

        if (4 * distance <= count)
        {
            Four(values, count, distance);
            distance *= 4;
        }

        if (2 * distance <= count)
            Two(values, count, distance);
    }

    /// <summary>Distances within a vector, and between neighbouring vectors.</summary>
    /// <returns>The next distance.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static long Contiguous(T* values, long count)
    {
        int step = TVector.Count;
        if (count < 8 * step)
        {
            for (long i = 0; i < count; i += step)
                TVector.Combine8(TVector.Combine4(TVector.Combine2(TVector.Combine1(TVector.Load(values + i))))).Store(values + i);
            return step;
        }

        for (T* end = values + count; values < end; values += 8 * step)
        {
            TVector a = TVector.Load(values), b = TVector.Load(values + step), c = TVector.Load(values + (2 * step)), d = TVector.Load(values + (3 * step));
            TVector e = TVector.Load(values + (4 * step)), f = TVector.Load(values + (5 * step)), g = TVector.Load(values + (6 * step)), h = TVector.Load(values + (7 * step));
            (a, b, c, d, e, f, g, h) = (TVector.Combine1(a), TVector.Combine1(b), TVector.Combine1(c), TVector.Combine1(d), TVector.Combine1(e), TVector.Combine1(f), TVector.Combine1(g), TVector.Combine1(h));
            (a, b, c, d, e, f, g, h) = (TVector.Combine2(a), TVector.Combine2(b), TVector.Combine2(c), TVector.Combine2(d), TVector.Combine2(e), TVector.Combine2(f), TVector.Combine2(g), TVector.Combine2(h));
            (a, b, c, d, e, f, g, h) = (TVector.Combine4(a), TVector.Combine4(b), TVector.Combine4(c), TVector.Combine4(d), TVector.Combine4(e), TVector.Combine4(f), TVector.Combine4(g), TVector.Combine4(h));
            (a, b, c, d, e, f, g, h) = (TVector.Combine8(a), TVector.Combine8(b), TVector.Combine8(c), TVector.Combine8(d), TVector.Combine8(e), TVector.Combine8(f), TVector.Combine8(g), TVector.Combine8(h));
            (a, b, c, d, e, f, g, h) = (a + b, a - b, c + d, c - d, e + f, e - f, g + h, g - h);
            (a, b, c, d, e, f, g, h) = (a + c, b + d, a - c, b - d, e + g, f + h, e - g, f - h);
            (a + e).Store(values);
            (b + f).Store(values + step);
            (c + g).Store(values + (2 * step));
            (d + h).Store(values + (3 * step));
            (a - e).Store(values + (4 * step));
            (b - f).Store(values + (5 * step));
            (c - g).Store(values + (6 * step));
            (d - h).Store(values + (7 * step));
        }

        return 8 * step;
    }

    /// <summary>Three distances: s, 2s, 4s.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Eight(T* values, long count, long s)
    {
        // Some processors add and fuse multiplications with additions in different units: a part of the differences goes to the latter.
        TVector minus = TVector.Broadcast(-T.One);
        for (T* end = values + count; values < end; values += 7 * s)
        {
            for (T* blockEnd = values + s; values < blockEnd; values += TVector.Count)
            {
                TVector a = TVector.Load(values), b = TVector.Load(values + s), c = TVector.Load(values + (2 * s)), d = TVector.Load(values + (3 * s));
                TVector e = TVector.Load(values + (4 * s)), f = TVector.Load(values + (5 * s)), g = TVector.Load(values + (6 * s)), h = TVector.Load(values + (7 * s));
                (a, b, c, d, e, f, g, h) = (a + b, a - b, c + d, c - d, e + f, e - f, g + h, g - h);
                (a, b, c, d, e, f, g, h) = (a + c, b + d, a - c, b - d, e + g, f + h, e - g, f - h);
                (a + e).Store(values);
                (b + f).Store(values + s);
                (c + g).Store(values + (2 * s));
                (d + h).Store(values + (3 * s));
                TVector.AddSigned(a, minus, e).Store(values + (4 * s));
                TVector.AddSigned(b, minus, f).Store(values + (5 * s));
                TVector.AddSigned(c, minus, g).Store(values + (6 * s));
                TVector.AddSigned(d, minus, h).Store(values + (7 * s));
            }
        }
    }

    /// <summary>Two distances: s, 2s.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Four(T* values, long count, long s)
    {
        for (T* end = values + count; values < end; values += 3 * s)
        {
            for (T* blockEnd = values + s; values < blockEnd; values += TVector.Count)
            {
                TVector a = TVector.Load(values), b = TVector.Load(values + s), c = TVector.Load(values + (2 * s)), d = TVector.Load(values + (3 * s));
                (a, b, c, d) = (a + b, a - b, c + d, c - d);
                (a + c).Store(values);
                (b + d).Store(values + s);
                (a - c).Store(values + (2 * s));
                (b - d).Store(values + (3 * s));
            }
        }
    }

    /// <summary>One distance.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Two(T* values, long count, long s)
    {
        for (T* end = values + count; values < end; values += s)
        {
            for (T* blockEnd = values + s; values < blockEnd; values += TVector.Count)
            {
                TVector a = TVector.Load(values), b = TVector.Load(values + s);
                (a + b).Store(values);
                (a - b).Store(values + s);
            }
        }
    }
}
