using System.Runtime.CompilerServices;
using Pique.Numerics.Kernels;

namespace Pique.Benchmarks;

/// <summary>What the memory of this machine can do: the bound of every pass over it.</summary>
internal static unsafe class MemoryBound
{
    private const long Bytes = 64L << 20;

    /// <summary>Bytes read and written a second, all threads, by copying past the caches or by the C library, whichever is faster.</summary>
    public static double CopyBytesPerSecond()
    {
        using NativeBuffer from = new(Bytes), to = new(Bytes);
        double best = Math.Min(
            Timing.BestSeconds(() => Run(new Streams { From = from.Pointer, To = to.Pointer, CLibrary = false })),
            Timing.BestSeconds(() => Run(new Streams { From = from.Pointer, To = to.Pointer, CLibrary = true })));
        return 2 * Bytes / best;
    }

    /// <summary>Bytes written a second, all threads.</summary>
    public static double FillBytesPerSecond()
    {
        using NativeBuffer to = new(Bytes);
        double best = Math.Min(
            Timing.BestSeconds(() => Run(new Streams { From = null, To = to.Pointer, CLibrary = false })),
            Timing.BestSeconds(() => Run(new Streams { From = null, To = to.Pointer, CLibrary = true })));
        return Bytes / best;
    }

    /// <summary>Bytes copied a second in the cache, one thread.</summary>
    public static double CacheCopyBytesPerSecond(int bytes)
    {
        using NativeBuffer from = new(bytes), to = new(bytes);
        return bytes / Timing.BestSeconds(() => Buffer.MemoryCopy(from.Pointer, to.Pointer, bytes, bytes), 1000);
    }

    /// <summary>Bytes written a second to memory, one thread.</summary>
    public static double FillBytesPerSecondOfOneThread()
    {
        using NativeBuffer to = new(Bytes);
        Streams work = new() { From = null, To = to.Pointer, CLibrary = false };
        Streams library = work with { CLibrary = true };
        return Bytes / Math.Min(Timing.BestSeconds(() => work.Run(0, Streams.Slices)), Timing.BestSeconds(() => library.Run(0, Streams.Slices)));
    }

    private static void Run(Streams streams) => KernelThreads.Run(ref streams, Streams.Slices, Bytes / sizeof(float));

    private struct Streams : ISlicedWork
    {
        public const int Slices = 256;
        private const long SliceBytes = Bytes / Slices;

        public byte* From;
        public byte* To;
        public bool CLibrary;

        public readonly void Run(long first, long end)
        {
            byte* to = To + (first * SliceBytes);
            long bytes = (end - first) * SliceBytes;
            if (CLibrary && From == null)
                new Span<byte>(to, (int)bytes).Fill(1);
            else if (CLibrary)
                Buffer.MemoryCopy(From + (first * SliceBytes), to, bytes, bytes);
            else
                Stream((float*)(From == null ? null : From + (first * SliceBytes)), (float*)to, bytes / sizeof(float));
            if (System.Runtime.Intrinsics.X86.Sse.IsSupported)
                System.Runtime.Intrinsics.X86.Sse.StoreFence();
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static void Stream(float* from, float* to, long count)
        {
            Lanes256 one = Lanes256.Broadcast(1f);
            if (from == null)
            {
                for (long i = 0; i < count; i += LaneLoop.Lanes)
                    one.StoreNonTemporal(to + i);
                return;
            }

            for (long i = 0; i < count; i += LaneLoop.Lanes)
                Lanes256.Load(from + i).StoreNonTemporal(to + i);
        }
    }
}
