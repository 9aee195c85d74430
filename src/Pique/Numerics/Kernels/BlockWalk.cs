using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Pique.Numerics.Kernels;

/// <summary>Consecutive weights that share a scale: a whole block, or a piece of a long one.</summary>
/// <param name="First">Index of the first weight, counting row by row.</param>
/// <param name="Count">Weights in the piece.</param>
/// <param name="Group">Index of the scale.</param>
/// <param name="Part">Index of the piece among all pieces of all groups, group by group.</param>
/// <param name="IsTail">Whether the block is the shorter last one of its line.</param>
internal readonly record struct BlockPiece(long First, int Count, long Group, long Part, bool IsTail)
{
    /// <summary>The block of equal length so many blocks on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public BlockPiece Next(long blocks) => new(First + (blocks * Count), Count, Group + blocks, Part + blocks, IsTail);
}

/// <summary>What a kernel does with consecutive blocks.</summary>
internal interface IBlockKernel
{
    /// <summary>Does so many blocks of equal length: a call for each would cost as much as a short block takes.</summary>
    /// <param name="piece">The first block, or a piece of a long one.</param>
    /// <param name="blockCount">Number of blocks; 1 for a piece.</param>
    void Run(BlockPiece piece, long blockCount);
}

/// <summary>Leads a kernel over all weights of a matrix in one pass over memory.</summary>
/// <remarks>
/// Long blocks are cut into pieces of <see cref="PieceWeights"/>, short ones gathered into slices of about as many, whatever the
/// number of threads: a sum over a group is the sum of its pieces' sums, in order, and so the same on any machine.
/// </remarks>
internal readonly struct BlockWalk
{
    /// <summary>Weights of the longest piece: 64 KiB, which the second-level cache holds.</summary>
    public const int PieceWeights = 1 << 14;

    private readonly long _lineCount;
    private readonly long _lineWidth;
    private readonly long _blockSize;
    private readonly long _blocksPerLine;
    private readonly long _sliceWidth;
    private readonly long _slicesPerLine;

    /// <summary>Plans the walk.</summary>
    /// <param name="layout">Which weights share a scale.</param>
    public BlockWalk(GroupLayout layout)
    {
        _lineCount = layout.WeightCount == 0 ? 0 : layout.LineCount;
        _lineWidth = layout.LineWidth;
        _blockSize = layout.BlockSize;
        _blocksPerLine = layout.BlocksPerLine;
        _sliceWidth = _blockSize >= PieceWeights ? _blockSize : PieceWeights / _blockSize * _blockSize;
        PiecesPerBlock = (_blockSize + PieceWeights - 1) / PieceWeights;
        if (PiecesPerBlock > 1)
            _sliceWidth = PieceWeights;
        _slicesPerLine = PiecesPerBlock > 1
            ? ((_lineWidth / _blockSize) * PiecesPerBlock) + (((_lineWidth % _blockSize) + PieceWeights - 1) / PieceWeights)
            : (_lineWidth + _sliceWidth - 1) / Math.Max(1, _sliceWidth);
    }

    /// <summary>Pieces the longest block is cut into; 1 where every block is one piece.</summary>
    public long PiecesPerBlock { get; }

    /// <summary>Runs a kernel over every piece.</summary>
    public void Run<TKernel>(TKernel kernel) where TKernel : unmanaged, IBlockKernel
    {
        Work<TKernel> work = new() { Walk = this, Kernel = kernel };
        KernelThreads.Run(ref work, _lineCount * _slicesPerLine, _lineCount * _lineWidth);
    }

    private struct Work<TKernel> : ISlicedWork where TKernel : unmanaged, IBlockKernel
    {
        public BlockWalk Walk;
        public TKernel Kernel;

        // Optimized at its first call: a method that is called seldom, however long it runs, would else be taken for cold.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(long first, long end)
        {
            TKernel kernel = Kernel;
            BlockWalk walk = Walk;
            for (long slice = first; slice < end; slice++)
            {
                (long line, long place) = Math.DivRem(slice, walk._slicesPerLine);
                if (walk.PiecesPerBlock > 1)
                    walk.RunPiece(ref kernel, line, place);
                else
                    walk.RunBlocks(ref kernel, line, place * walk._sliceWidth);
            }

            // Orders non-temporal stores before whatever says that the work is done.
            if (Sse.IsSupported)
                Sse.StoreFence();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void RunBlocks<TKernel>(ref TKernel kernel, long line, long firstColumn) where TKernel : unmanaged, IBlockKernel
    {
        long endColumn = Math.Min(_lineWidth, firstColumn + _sliceWidth);
        long group = (line * _blocksPerLine) + (firstColumn / _blockSize);
        long first = (line * _lineWidth) + firstColumn;
        long wholeBlocks = (endColumn - firstColumn) / _blockSize;
        kernel.Run(new BlockPiece(first, (int)_blockSize, group, group, false), wholeBlocks);
        int tail = (int)(endColumn - firstColumn - (wholeBlocks * _blockSize));
        if (tail > 0)
            kernel.Run(new BlockPiece(first + (wholeBlocks * _blockSize), tail, group + wholeBlocks, group + wholeBlocks, true), 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void RunPiece<TKernel>(ref TKernel kernel, long line, long place) where TKernel : unmanaged, IBlockKernel
    {
        (long block, long piece) = Math.DivRem(place, PiecesPerBlock);
        long group = (line * _blocksPerLine) + block;
        long column = (block * _blockSize) + (piece * PieceWeights);
        long endColumn = Math.Min(_lineWidth, Math.Min((block + 1) * _blockSize, column + PieceWeights));
        kernel.Run(new BlockPiece((line * _lineWidth) + column, (int)(endColumn - column), group, (group * PiecesPerBlock) + piece, (block + 1) * _blockSize > _lineWidth), 1);
    }
}
