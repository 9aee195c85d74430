using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Multiplies by a matrix of ±1: additions and subtractions only, in the order of the columns.</summary>
/// <remarks>A sum begins with its first term, and every further term is added to it, as in the plain loop, so the bits are the same.</remarks>
internal static unsafe class SignMatrixPasses<TVector, T>
    where TVector : unmanaged, IWalshVector<TVector, T>
    where T : unmanaged
{
    /// <summary>Values of scratch memory that a pass needs.</summary>
    public static long ScratchCount(int order) => 2L * order * TVector.Count;

    /// <summary>Transforms every run of <paramref name="order"/> · <paramref name="stride"/> values across its <paramref name="order"/> parts.</summary>
    /// <param name="values">The values, transformed in place.</param>
    /// <param name="count">Their number, a multiple of a run.</param>
    /// <param name="order">Rows of the matrix, a multiple of 4.</param>
    /// <param name="signs">The matrix, row by row.</param>
    /// <param name="stride">Values of a part, a multiple of a vector.</param>
    /// <param name="scratch">Scratch memory.</param>
    public static void Run(T* values, long count, int order, T* signs, long stride, T* scratch)
    {
        // Two vectors share each sign that is read; a part of a single vector, or the odd last one, goes alone.
        long pairs = stride / (2 * TVector.Count) * (2 * TVector.Count);
        for (T* end = values + count; values < end; values += order * stride)
        {
            for (long i = 0; i < pairs; i += 2 * TVector.Count)
                Pair(values + i, order, signs, stride, scratch);
            if (pairs < stride)
                Single(values + pairs, order, signs, stride, scratch);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Pair(T* values, int order, T* signs, long stride, T* scratch)
    {
        int step = 2 * TVector.Count;
        T* from = values;
        for (T* to = scratch, end = scratch + ((long)order * step); to < end; to += step, from += stride)
        {
            TVector.Load(from).Store(to);
            TVector.Load(from + TVector.Count).Store(to + TVector.Count);
        }

        for (int row = 0; row < order; row += 4)
        {
            T* first = signs + ((long)row * order), second = first + order, third = second + order, fourth = third + order;
            TVector left = TVector.Load(scratch), right = TVector.Load(scratch + TVector.Count);
            TVector sign = TVector.Broadcast(*first);
            TVector a = sign * left, b = sign * right;
            sign = TVector.Broadcast(*second);
            TVector c = sign * left, d = sign * right;
            sign = TVector.Broadcast(*third);
            TVector e = sign * left, f = sign * right;
            sign = TVector.Broadcast(*fourth);
            TVector g = sign * left, h = sign * right;
            T* read = scratch + step;
            for (int column = 1; column < order; column++, read += step)
            {
                (left, right) = (TVector.Load(read), TVector.Load(read + TVector.Count));
                sign = TVector.Broadcast(first[column]);
                (a, b) = (TVector.AddSigned(a, sign, left), TVector.AddSigned(b, sign, right));
                sign = TVector.Broadcast(second[column]);
                (c, d) = (TVector.AddSigned(c, sign, left), TVector.AddSigned(d, sign, right));
                sign = TVector.Broadcast(third[column]);
                (e, f) = (TVector.AddSigned(e, sign, left), TVector.AddSigned(f, sign, right));
                sign = TVector.Broadcast(fourth[column]);
                (g, h) = (TVector.AddSigned(g, sign, left), TVector.AddSigned(h, sign, right));
            }

            T* to = values + (row * stride);
            a.Store(to);
            b.Store(to + TVector.Count);
            c.Store(to + stride);
            d.Store(to + stride + TVector.Count);
            e.Store(to + (2 * stride));
            f.Store(to + (2 * stride) + TVector.Count);
            g.Store(to + (3 * stride));
            h.Store(to + (3 * stride) + TVector.Count);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Single(T* values, int order, T* signs, long stride, T* scratch)
    {
        for (int row = 0; row < order; row++)
            TVector.Load(values + (row * stride)).Store(scratch + ((long)row * TVector.Count));
        for (int row = 0; row < order; row += 4)
        {
            T* first = signs + ((long)row * order), second = first + order, third = second + order, fourth = third + order;
            TVector value = TVector.Load(scratch);
            TVector a = TVector.Broadcast(*first) * value, b = TVector.Broadcast(*second) * value;
            TVector c = TVector.Broadcast(*third) * value, d = TVector.Broadcast(*fourth) * value;
            T* read = scratch + TVector.Count;
            for (int column = 1; column < order; column++, read += TVector.Count)
            {
                value = TVector.Load(read);
                a = TVector.AddSigned(a, TVector.Broadcast(first[column]), value);
                b = TVector.AddSigned(b, TVector.Broadcast(second[column]), value);
                c = TVector.AddSigned(c, TVector.Broadcast(third[column]), value);
                d = TVector.AddSigned(d, TVector.Broadcast(fourth[column]), value);
            }

            T* to = values + (row * stride);
            a.Store(to);
            b.Store(to + stride);
            c.Store(to + (2 * stride));
            d.Store(to + (3 * stride));
        }
    }
}
