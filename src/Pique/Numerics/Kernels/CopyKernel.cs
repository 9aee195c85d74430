using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Pique.Numerics.Kernels;

/// <summary>Copies a gradient that passes unchanged, on all threads, past the caches where it is larger than they are.</summary>
internal static unsafe class CopyKernel
{
    private const int SliceWeights = 1 << 14;

    /// <summary>Copies float32 values.</summary>
    /// <param name="source">Values.</param>
    /// <param name="destination">Receives them; overlaps nothing.</param>
    /// <param name="count">Their number.</param>
    public static void Run(float* source, float* destination, long count)
    {
        Slices work = new() { Source = source, Destination = destination, Count = count };
        KernelThreads.Run(ref work, (count + SliceWeights - 1) / SliceWeights, count);
    }

    private struct Slices : ISlicedWork
    {
        public float* Source;
        public float* Destination;
        public long Count;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(long first, long end)
        {
            long start = first * SliceWeights;
            long count = Math.Min(end * SliceWeights, Count) - start;
            float* source = Source + start;
            float* destination = Destination + start;
            long streamed = Count * sizeof(float) >= PastTheCaches.LeastBytes && ((nuint)destination & 63) == 0 ? count & ~(Vector256<float>.Count - 1L) : 0;
            for (long i = 0; i < streamed; i += Vector256<float>.Count)
                Vector256.Load(source + i).StoreAlignedNonTemporal(destination + i);
            Buffer.MemoryCopy(source + streamed, destination + streamed, (count - streamed) * sizeof(float), (count - streamed) * sizeof(float));

            // Orders non-temporal stores before whatever says that the work is done.
            if (Sse.IsSupported)
                Sse.StoreFence();
        }
    }
}
