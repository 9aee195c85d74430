using System.Buffers;
using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Finds the float16 scale of least squared error, weighted or not, for every group.</summary>
/// <remarks>
/// A geometric series of scales around the covering scale is tried, the interval around the best is halved, then the best is improved
/// by least squares with its levels held fixed, s = Σ w·level / Σ level². Each candidate is rounded to float16 before it is judged,
/// and kept only where its error is smaller. A group is read from memory once and searched in the cache.
/// </remarks>
internal static unsafe class ScaleSearchKernel
{
    private const float CandidateRatio = 0.97f;
    private const int CandidatesAbove = 4;
    private const int CandidatesBelow = 84;
    private const float FinestStep = 0.001f;
    private const int LeastSquaresRounds = 8;

    /// <summary>Searches every group.</summary>
    /// <param name="weights">Weights.</param>
    /// <param name="grid">Scales: on entry the covering ones, not rounded; on return the best. Zero points stay.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="form">Form of the kernel.</param>
    /// <param name="importance">Factor of each weight's squared error by its place in the line; null for 1 throughout.</param>
    public static void Run(float* weights, GridPointers grid, GroupLayout layout, KernelForm form, float* importance = null)
    {
        BlockWalk walk = new(layout);
        if (walk.PiecesPerBlock == 1)
        {
            walk.Run(new Blocks(weights, importance, layout.LineWidth, grid, form));
            return;
        }

        // Few and long groups: each candidate is measured by all threads.
        GridFit[] parts = ArrayPool<GridFit>.Shared.Rent(checked((int)walk.PiecesPerBlock));
        try
        {
            for (long group = 0; group < layout.GroupCount; group++)
            {
                (long line, long block) = Math.DivRem(group, layout.BlocksPerLine);
                long first = block * layout.BlockSize;
                long count = Math.Min(layout.BlockSize, layout.LineWidth - first);
                float* factors = importance == null ? null : importance + first;
                fixed (GridFit* fits = parts)
                    Search(new LongGroup(weights + (line * layout.LineWidth) + first, factors, count, new Candidate(grid, group), fits, form), grid, group);
            }
        }
        finally
        {
            ArrayPool<GridFit>.Shared.Return(parts);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Search<TObjective>(TObjective objective, in GridPointers grid, long group) where TObjective : struct, IObjective
    {
        float covering = grid.Scales[group];
        float best = HalfScale.Round(covering);
        GridFit fit = objective.At(best);
        float factor = MathF.Pow(CandidateRatio, -CandidatesAbove);
        for (int candidate = -CandidatesAbove; candidate <= CandidatesBelow; candidate++, factor *= CandidateRatio)
            Keep(covering * factor);
        for (float step = (1 - CandidateRatio) / 2; step > FinestStep; step /= 2)
        {
            float center = best;
            Keep(center * (1 + step));
            Keep(center * (1 - step));
        }

        for (int round = 0; round < LeastSquaresRounds && fit.Energy > 0; round++)
        {
            if (!Keep((float)(fit.Product / fit.Energy)))
                break;
        }

        grid.Scales[group] = best;

        bool Keep(float scale)
        {
            float rounded = HalfScale.Round(scale);
            if (rounded == best)
                return false;
            GridFit other = objective.At(rounded);
            if (!(other.Error < fit.Error))
                return false;
            (best, fit) = (rounded, other);
            return true;
        }
    }

    private interface IObjective
    {
        GridFit At(float scale);
    }

    private readonly struct Candidate(in GridPointers grid, long group)
    {
        private readonly float _zeroPoint = grid.ZeroPoint(group);
        private readonly float _maxCode = grid.MaxCode;
        private readonly float _offset = grid.Offset;

        public GroupGrid At(float scale) => new(scale, _zeroPoint, _maxCode, _offset);
    }

    private static GridFit Measure(float* weights, float* importance, int count, in GroupGrid grid, KernelForm form) => importance == null
        ? SquaredErrorKernel.Measure(weights, count, grid, form)
        : WeightedErrorKernel.Measure(weights, importance, count, grid, form);

    private readonly struct Blocks(float* weights, float* importance, long lineWidth, GridPointers grid, KernelForm form) : IBlockKernel
    {
        private readonly float* _weights = weights;
        private readonly float* _importance = importance;
        private readonly long _lineWidth = lineWidth;
        private readonly GridPointers _grid = grid;
        private readonly KernelForm _form = form;

        public void Run(BlockPiece piece, long blockCount)
        {
            for (long block = 0; block < blockCount; block++)
            {
                long first = piece.Next(block).First;
                float* factors = _importance == null ? null : _importance + (first % _lineWidth);
                Search(new ShortGroup(_weights + first, factors, piece.Count, new Candidate(_grid, piece.Group + block), _form), _grid, piece.Group + block);
            }
        }
    }

    private readonly struct ShortGroup(float* weights, float* importance, int count, Candidate candidate, KernelForm form) : IObjective
    {
        private readonly float* _weights = weights;
        private readonly float* _importance = importance;
        private readonly int _count = count;
        private readonly Candidate _candidate = candidate;
        private readonly KernelForm _form = form;

        public GridFit At(float scale) => Measure(_weights, _importance, _count, _candidate.At(scale), _form);
    }

    private readonly struct LongGroup(float* weights, float* importance, long count, Candidate candidate, GridFit* parts, KernelForm form) : IObjective
    {
        private readonly float* _weights = weights;
        private readonly float* _importance = importance;
        private readonly long _count = count;
        private readonly Candidate _candidate = candidate;
        private readonly GridFit* _parts = parts;
        private readonly KernelForm _form = form;

        public GridFit At(float scale)
        {
            Pieces work = new() { Weights = _weights, Importance = _importance, Count = _count, Grid = _candidate.At(scale), Parts = _parts, Form = _form };
            long pieceCount = (_count + BlockWalk.PieceWeights - 1) / BlockWalk.PieceWeights;
            KernelThreads.Run(ref work, pieceCount, _count);
            GridFit total = default;
            for (long piece = 0; piece < pieceCount; piece++)
                total += _parts[piece];
            return total;
        }
    }

    private struct Pieces : ISlicedWork
    {
        public float* Weights;
        public float* Importance;
        public long Count;
        public GroupGrid Grid;
        public GridFit* Parts;
        public KernelForm Form;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(long first, long end)
        {
            for (long piece = first; piece < end; piece++)
            {
                long start = piece * BlockWalk.PieceWeights;
                float* factors = Importance == null ? null : Importance + start;
                Parts[piece] = Measure(Weights + start, factors, (int)Math.Min(BlockWalk.PieceWeights, Count - start), Grid, Form);
            }
        }
    }
}
