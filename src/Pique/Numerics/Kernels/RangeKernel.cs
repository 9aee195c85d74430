using System.Buffers;
using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>
/// Finds the range of every group and from it scale and zero point and, where asked, fake-quantizes the group while it is still in
/// the cache: one pass over memory. Groups longer than a piece take a second pass.
/// </summary>
internal static unsafe class RangeKernel
{
    /// <summary>Runs the kernel.</summary>
    /// <param name="arguments">Memory; the grid's scales and zero points are written.</param>
    /// <param name="rule">How scale and zero point follow from the range.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="form">Form of the kernel.</param>
    /// <remarks>Where <see cref="FakeQuantizeKernel.Arguments.Output"/> is null, nothing is quantized.</remarks>
    public static void Run<TRule>(FakeQuantizeKernel.Arguments arguments, TRule rule, GroupLayout layout, KernelForm form) where TRule : unmanaged, IScaleRule
    {
        BlockWalk walk = new(layout);
        if (walk.PiecesPerBlock == 1)
        {
            RunForm(walk, arguments, rule, null, form);
            return;
        }

        int partCount = checked((int)(layout.GroupCount * walk.PiecesPerBlock));
        float[] parts = ArrayPool<float>.Shared.Rent(2 * partCount);
        try
        {
            Array.Clear(parts, 0, 2 * partCount);
            fixed (float* ranges = parts)
            {
                RunForm(walk, arguments, rule, ranges, form);
                for (long group = 0; group < layout.GroupCount; group++)
                {
                    float lowest = 0f, highest = 0f;
                    for (long part = group * walk.PiecesPerBlock; part < (group + 1) * walk.PiecesPerBlock; part++)
                        (lowest, highest) = (MathF.Min(lowest, ranges[2 * part]), MathF.Max(highest, ranges[(2 * part) + 1]));
                    Write(arguments.Grid, group, rule.Of(lowest, highest, group));
                }
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(parts);
        }

        if (arguments.Output != null)
            FakeQuantizeKernel.Run(arguments, layout, form);
    }

    private static void RunForm<TRule>(BlockWalk walk, in FakeQuantizeKernel.Arguments arguments, TRule rule, float* ranges, KernelForm form) where TRule : unmanaged, IScaleRule
    {
        switch (form)
        {
            case KernelForm.Simd512:
                walk.Run(new Blocks<Lanes512, TRule>(arguments, rule, ranges));
                break;
            case KernelForm.Simd256:
                walk.Run(new Blocks<Lanes256, TRule>(arguments, rule, ranges));
                break;
            case KernelForm.Simd128:
                walk.Run(new Blocks<Lanes128, TRule>(arguments, rule, ranges));
                break;
            default:
                walk.Run(new ScalarBlocks<TRule>(arguments, rule, ranges));
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(in GridPointers grid, long group, (float Scale, float ZeroPoint) found)
    {
        grid.Scales[group] = found.Scale;
        if (grid.ZeroPoints != null)
            grid.ZeroPoints[group] = found.ZeroPoint;
    }

    /// <summary>Notes the range of a piece, or what follows from the range of a whole block.</summary>
    /// <returns>Whether the block is now to be quantized, on <paramref name="grid"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Take<TRule>(
        in FakeQuantizeKernel.Arguments arguments, TRule rule, float* ranges, in BlockPiece piece, float lowest, float highest, out GroupGrid grid) where TRule : unmanaged, IScaleRule
    {
        if (ranges != null)
        {
            ranges[2 * piece.Part] = lowest;
            ranges[(2 * piece.Part) + 1] = highest;
            grid = default;
            return false;
        }

        (float Scale, float ZeroPoint) found = rule.Of(lowest, highest, piece.Group);
        Write(arguments.Grid, piece.Group, found);
        grid = new GroupGrid(found.Scale, found.ZeroPoint, arguments.Grid.MaxCode, arguments.Grid.Offset);
        return arguments.Output != null;
    }

    private struct Blocks<TLanes, TRule>(FakeQuantizeKernel.Arguments arguments, TRule rule, float* ranges) : IBlockKernel
        where TLanes : unmanaged, ILanes<TLanes>
        where TRule : unmanaged, IScaleRule
    {
        private readonly FakeQuantizeKernel.Arguments _arguments = arguments;
        private readonly TRule _rule = rule;
        private readonly float* _ranges = ranges;

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public readonly void Run(BlockPiece piece, long blockCount)
        {
            for (long block = 0; block < blockCount; block++)
                RunBlock(piece.Next(block));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void RunBlock(in BlockPiece piece)
        {
            (float lowest, float highest) = Range(_arguments.Weights + piece.First, piece.Count);
            if (Take(_arguments, _rule, _ranges, piece, lowest, highest, out GroupGrid grid))
                FakeQuantizeKernel.RunBlock<TLanes>(_arguments, piece, grid);
        }

        // The range of nothing is 0 … 0, which every range includes.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static (float Lowest, float Highest) Range(float* weights, int count)
        {
            TLanes lowest = TLanes.Broadcast(0f), highest = lowest;
            int whole = count & ~(LaneLoop.Lanes - 1);
            for (int i = 0; i < whole; i += LaneLoop.Lanes)
            {
                TLanes weight = TLanes.Load(weights + i);
                (lowest, highest) = (TLanes.AtMost(weight, lowest), TLanes.AtLeast(weight, highest));
            }

            (float low, float high) = (lowest.Smallest(), highest.Largest());
            for (int i = whole; i < count; i++)
                (low, high) = (MathF.Min(low, weights[i]), MathF.Max(high, weights[i]));
            return (low, high);
        }
    }

    private readonly struct ScalarBlocks<TRule>(FakeQuantizeKernel.Arguments arguments, TRule rule, float* ranges) : IBlockKernel where TRule : unmanaged, IScaleRule
    {
        private readonly FakeQuantizeKernel.Arguments _arguments = arguments;
        private readonly TRule _rule = rule;
        private readonly float* _ranges = ranges;

        public void Run(BlockPiece piece, long blockCount)
        {
            for (long block = 0; block < blockCount; block++)
                RunBlock(piece.Next(block));
        }

        private void RunBlock(in BlockPiece piece)
        {
            float lowest = 0f, highest = 0f;
            for (long i = piece.First; i < piece.First + piece.Count; i++)
                (lowest, highest) = (MathF.Min(lowest, _arguments.Weights[i]), MathF.Max(highest, _arguments.Weights[i]));
            if (Take(_arguments, _rule, _ranges, piece, lowest, highest, out GroupGrid grid))
                FakeQuantizeKernel.RunScalar(_arguments, piece, grid);
        }
    }
}
