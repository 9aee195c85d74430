using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Pique.Numerics.Kernels;

/// <summary>Consecutive weights of one row that begin at a byte of the packed row, unless the walk begins in between.</summary>
/// <param name="First">Index of the first weight, counting row by row.</param>
/// <param name="Row">Its row.</param>
/// <param name="Column">Its column.</param>
/// <param name="Count">Number of weights, at most <see cref="PackedRows.ChunkWeights"/>.</param>
internal readonly record struct RowChunk(long First, long Row, long Column, int Count);

/// <summary>What a kernel does with one chunk.</summary>
internal interface IRowKernel
{
    /// <summary>Does one chunk.</summary>
    void Run(in RowChunk chunk);
}

/// <summary>Leads a kernel over the rows of a packed matrix, in chunks that threads can take one by one.</summary>
internal readonly struct PackedRows
{
    /// <summary>Weights of the longest chunk. A multiple of eight, so that chunks share no byte of the packed row.</summary>
    public const int ChunkWeights = 4096;

    private readonly long _columns;

    /// <summary>Takes the shape.</summary>
    /// <param name="layout">Which weights share a scale.</param>
    public PackedRows(GroupLayout layout)
    {
        _columns = layout.Columns;
        (LineWidth, BlockSize, BlocksPerLine) = (layout.LineWidth, layout.BlockSize, layout.BlocksPerLine);
    }

    /// <summary>Weights in a line.</summary>
    public long LineWidth { get; }

    /// <summary>Weights in a block.</summary>
    public long BlockSize { get; }

    /// <summary>Blocks in a line.</summary>
    public long BlocksPerLine { get; }

    /// <summary>Runs a kernel over consecutive weights.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="first">Index of the first weight, counting row by row.</param>
    /// <param name="count">Number of weights.</param>
    public void Run<TKernel>(TKernel kernel, long first, long count) where TKernel : unmanaged, IRowKernel
    {
        if (count == 0)
            return;
        long firstRow = first / _columns;
        Work<TKernel> work = new()
        {
            Kernel = kernel,
            Columns = _columns,
            ChunksPerRow = (_columns + ChunkWeights - 1) / ChunkWeights,
            FirstRow = firstRow,
            First = first,
            End = first + count,
        };
        long rowCount = ((first + count - 1) / _columns) - firstRow + 1;
        KernelThreads.Run(ref work, rowCount * work.ChunksPerRow, count);
    }

    private struct Work<TKernel> : ISlicedWork where TKernel : unmanaged, IRowKernel
    {
        public TKernel Kernel;
        public long Columns;
        public long ChunksPerRow;
        public long FirstRow;
        public long First;
        public long End;

        // Optimized at its first call: the runtime counts the rounds of unoptimized loops, and threads would quarrel over the counter.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(long first, long end)
        {
            (long row, long place) = Math.DivRem(first, ChunksPerRow);
            for (long slice = first; slice < end; slice++)
            {
                long column = place * ChunkWeights;
                long rowStart = (FirstRow + row) * Columns;
                long chunkFirst = Math.Max(First, rowStart + column);
                long chunkEnd = Math.Min(End, rowStart + Math.Min(column + ChunkWeights, Columns));
                if (chunkFirst < chunkEnd)
                    Kernel.Run(new RowChunk(chunkFirst, FirstRow + row, chunkFirst - rowStart, (int)(chunkEnd - chunkFirst)));
                if (++place == ChunksPerRow)
                    (row, place) = (row + 1, 0);
            }

            // Orders non-temporal stores before whatever says that the work is done.
            if (Sse.IsSupported)
                Sse.StoreFence();
        }
    }
}
