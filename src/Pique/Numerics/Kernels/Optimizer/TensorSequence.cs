using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>What a kernel does with consecutive weights of one of several tensors.</summary>
internal interface ITensorKernel
{
    /// <summary>Does weights first … end − 1 of a tensor.</summary>
    /// <param name="tensor">Which tensor.</param>
    /// <param name="first">A multiple of <see cref="TensorSequence.BlockWeights"/>.</param>
    /// <param name="end">Such a multiple too, or the tensor's end.</param>
    /// <param name="slice">The slice of the sequence that these weights belong to.</param>
    void Run(int tensor, long first, long end, long slice);
}

/// <summary>Tensors laid end to end, each begun at a whole block, and cut into slices of equal length: many small ones are shared out like one large one.</summary>
/// <remarks>Where slices begin depends on the lengths alone, not on the number of threads.</remarks>
internal readonly unsafe struct TensorSequence
{
    /// <summary>Weights of a block.</summary>
    public const int BlockWeights = 256;

    private const int SliceBlocks = 64;

    private readonly long* _blockEnds;
    private readonly int _tensorCount;

    private TensorSequence(long* blockEnds, int tensorCount)
    {
        _blockEnds = blockEnds;
        _tensorCount = tensorCount;
    }

    /// <summary>Slices of the tensors.</summary>
    /// <param name="weightCounts">Their lengths.</param>
    public static long SliceCount(ReadOnlySpan<long> weightCounts)
    {
        long blocks = 0;
        foreach (long weights in weightCounts)
            blocks += BlocksOf(weights);
        return (blocks + SliceBlocks - 1) / SliceBlocks;
    }

    /// <summary>Runs a kernel over all weights of all tensors.</summary>
    /// <param name="weightCounts">Their lengths.</param>
    /// <param name="kernel">The kernel; it holds pointers only, and does not throw.</param>
    public static void Run<TKernel>(ReadOnlySpan<long> weightCounts, TKernel kernel) where TKernel : unmanaged, ITensorKernel
    {
        if (weightCounts.IsEmpty)
            return;
        long[] blockEnds = new long[weightCounts.Length];
        long blocks = 0;
        for (int tensor = 0; tensor < blockEnds.Length; tensor++)
            blockEnds[tensor] = blocks += BlocksOf(weightCounts[tensor]);
        fixed (long* ends = blockEnds, counts = weightCounts)
        {
            Work<TKernel> work = new() { Sequence = new(ends, blockEnds.Length), WeightCounts = counts, Kernel = kernel };
            KernelThreads.Run(ref work, (blocks + SliceBlocks - 1) / SliceBlocks, blocks * BlockWeights);
        }
    }

    private static long BlocksOf(long weights) => (weights + BlockWeights - 1) / BlockWeights;

    /// <summary>The tensor that holds a block: the first that ends behind it.</summary>
    private int TensorOf(long block)
    {
        int low = 0, high = _tensorCount - 1;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_blockEnds[middle] > block)
                high = middle;
            else
                low = middle + 1;
        }

        return low;
    }

    private struct Work<TKernel> : ISlicedWork where TKernel : unmanaged, ITensorKernel
    {
        public TensorSequence Sequence;
        public long* WeightCounts;
        public TKernel Kernel;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(long first, long end)
        {
            TKernel kernel = Kernel;
            TensorSequence sequence = Sequence;
            int tensor = sequence.TensorOf(first * SliceBlocks);
            for (long slice = first; slice < end; slice++)
            {
                long block = slice * SliceBlocks;
                long endBlock = Math.Min(block + SliceBlocks, sequence._blockEnds[sequence._tensorCount - 1]);
                while (block < endBlock)
                {
                    while (sequence._blockEnds[tensor] <= block)
                        tensor++;
                    long begin = tensor == 0 ? 0 : sequence._blockEnds[tensor - 1];
                    long partEnd = Math.Min(endBlock, sequence._blockEnds[tensor]);
                    kernel.Run(tensor, (block - begin) * BlockWeights, Math.Min((partEnd - begin) * BlockWeights, WeightCounts[tensor]), slice);
                    block = partEnd;
                }
            }
        }
    }
}
