using System.Buffers;
using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>
/// Gradients of fake quantization in one pass over weights and upstream gradient: that of the weights by a straight-through
/// estimator, and where asked for those of scales and zero points. See docs/math.md §2 and §3.
/// </summary>
internal static unsafe class GradientKernel
{
    /// <summary>Computes the gradients.</summary>
    /// <param name="arguments">Memory, grid and estimator.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="form">Form of the kernel.</param>
    public static void Run<TEstimator>(Arguments arguments, GroupLayout layout, KernelForm form) where TEstimator : unmanaged, IStraightThrough
    {
        BlockWalk walk = new(layout);
        if (walk.PiecesPerBlock == 1 || arguments.ScaleGradients == null)
        {
            RunForm<TEstimator>(walk, arguments, form);
            return;
        }

        // Long blocks leave one sum for each piece; they are added in order, in float64.
        int partCount = checked((int)(layout.GroupCount * walk.PiecesPerBlock));
        float[] parts = ArrayPool<float>.Shared.Rent(2 * partCount);
        try
        {
            Array.Clear(parts, 0, 2 * partCount);
            fixed (float* scaleParts = parts)
            {
                float* zeroParts = scaleParts + partCount;
                Arguments inParts = arguments;
                inParts.ScaleGradients = scaleParts;
                inParts.ZeroPointGradients = arguments.ZeroPointGradients == null ? null : zeroParts;
                RunForm<TEstimator>(walk, inParts, form);
                for (long group = 0; group < layout.GroupCount; group++)
                {
                    arguments.ScaleGradients[group] = Total(scaleParts, group, walk.PiecesPerBlock);
                    if (arguments.ZeroPointGradients != null)
                        arguments.ZeroPointGradients[group] = Total(zeroParts, group, walk.PiecesPerBlock);
                }
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(parts);
        }
    }

    private static float Total(float* parts, long group, long pieces)
    {
        double sum = 0;
        for (long piece = 0; piece < pieces; piece++)
            sum += parts[(group * pieces) + piece];
        return (float)sum;
    }

    private static void RunForm<TEstimator>(BlockWalk walk, in Arguments arguments, KernelForm form) where TEstimator : unmanaged, IStraightThrough
    {
        switch (form)
        {
            case KernelForm.Simd512:
                RunLanes<Lanes512, TEstimator>(walk, arguments);
                break;
            case KernelForm.Simd256:
                RunLanes<Lanes256, TEstimator>(walk, arguments);
                break;
            case KernelForm.Simd128:
                RunLanes<Lanes128, TEstimator>(walk, arguments);
                break;
            default:
                walk.Run(new ScalarBlocks<TEstimator>(arguments));
                break;
        }
    }

    private static void RunLanes<TLanes, TEstimator>(BlockWalk walk, in Arguments arguments)
        where TLanes : unmanaged, ILanes<TLanes>
        where TEstimator : unmanaged, IStraightThrough
    {
        if (arguments is { Strength: 1f, Dampening: 0f, Accumulates: false } && arguments.ZeroPointGradients == null)
            walk.Run(new Blocks<TLanes, TEstimator, CommonWork>(arguments));
        else
            walk.Run(new Blocks<TLanes, TEstimator, AnyWork>(arguments));
    }

    /// <summary>Whether a kernel has nothing to do but the most common work, so that the compiler leaves out the rest.</summary>
    private interface IWork
    {
        /// <summary>True at full strength, without dampening, accumulation and zero points.</summary>
        static abstract bool IsCommon { get; }
    }

    private readonly struct CommonWork : IWork
    {
        public static bool IsCommon => true;
    }

    private readonly struct AnyWork : IWork
    {
        public static bool IsCommon => false;
    }

    /// <summary>What the kernel reads and writes.</summary>
    internal struct Arguments
    {
        /// <summary>Weights.</summary>
        public float* Weights;

        /// <summary>∂L/∂ŵ.</summary>
        public float* Upstream;

        /// <summary>Receives ∂L/∂w.</summary>
        public float* WeightGradients;

        /// <summary>Whether ∂L/∂w is added to what is there.</summary>
        public bool Accumulates;

        /// <summary>Whether <see cref="WeightGradients"/> is larger than the caches.</summary>
        public bool IsNonTemporal;

        /// <summary>Receives ∂L/∂s for every group; null where scales are not trained.</summary>
        public float* ScaleGradients;

        /// <summary>Receives ∂L/∂z for every group; null where zero points are not trained.</summary>
        public float* ZeroPointGradients;

        /// <summary>The grid of every group.</summary>
        public GridPointers Grid;

        /// <summary>Parameter of the estimator.</summary>
        public float Parameter;

        /// <summary>ρ of the warm-up, 0 to 1.</summary>
        public float Strength;

        /// <summary>2·ρ times the weight of the oscillation dampening; 0 for none.</summary>
        public float Dampening;

        /// <summary>ρ·γ of a full block: the factor of its scale's gradient.</summary>
        public float BlockFactor;

        /// <summary>ρ·γ of a shorter last block.</summary>
        public float TailFactor;

        /// <summary>ρ·γ of the block a piece belongs to.</summary>
        public readonly float FactorOf(in BlockPiece piece) => piece.IsTail ? TailFactor : BlockFactor;
    }

    private readonly struct Blocks<TLanes, TEstimator, TWork>(Arguments arguments) : IBlockKernel
        where TLanes : unmanaged, ILanes<TLanes>
        where TEstimator : unmanaged, IStraightThrough
        where TWork : unmanaged, IWork
    {
        private readonly Arguments _arguments = arguments;

        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public void Run(BlockPiece piece, long blockCount)
        {
            for (long block = 0; block < blockCount; block++)
                RunBlock(piece.Next(block));
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void RunBlock(in BlockPiece piece)
        {
            GroupGrid grid = new(_arguments.Grid, piece.Group);
            float* weight = _arguments.Weights + piece.First;
            float* upstream = _arguments.Upstream + piece.First;
            float* output = _arguments.WeightGradients + piece.First;
            int whole = piece.Count & ~(LaneLoop.Lanes - 1);
            bool isNonTemporal = _arguments.IsNonTemporal && ((nuint)output & 63) == 0;
            GroupGrid<TLanes> lanes = new(grid);
            TLanes parameter = TLanes.Broadcast(_arguments.Parameter);
            Sums sums = default;
            for (float* end = weight + whole; weight < end; weight += LaneLoop.Lanes, upstream += LaneLoop.Lanes, output += LaneLoop.Lanes)
                sums = Step(_arguments, lanes, parameter, isNonTemporal, weight, upstream, output, sums);
            if (whole < piece.Count)
                sums = RunTail(_arguments, grid, weight, upstream, output, piece.Count - whole, sums);
            if (_arguments.ScaleGradients == null)
                return;
            float factor = _arguments.FactorOf(piece);
            _arguments.ScaleGradients[piece.Part] = sums.Scale.Sum() * factor;
            if (_arguments.ZeroPointGradients != null)
                _arguments.ZeroPointGradients[piece.Part] = sums.ZeroPoint.Sum() * -grid.Scale * factor;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Sums Step(in Arguments arguments, in GroupGrid<TLanes> grid, TLanes parameter, bool isNonTemporal, float* first, float* second, float* output, Sums sums)
        {
            TLanes weight = TLanes.Load(first);
            TLanes gradient = TLanes.Load(second);
            TLanes quotient = weight / grid.Scale;
            TLanes level = grid.Level(quotient);
            TLanes value = level * grid.Scale;
            TLanes inRange = grid.InRange(quotient);
            TLanes scaleSum = sums.Scale + ((level - (inRange & quotient)) * gradient);
            Rounded<TLanes> rounded = new(weight, quotient, level, value, inRange);
            if (TWork.IsCommon)
            {
                TLanes common = TEstimator.Gradient(gradient, default, rounded, parameter);
                if (isNonTemporal)
                    common.StoreNonTemporal(output);
                else
                    common.Store(output);
                return new(scaleSum, sums.ZeroPoint);
            }

            TLanes zeroPointSum = sums.ZeroPoint + (gradient - (inRange & gradient));
            TLanes unrounded = arguments.Strength < 1f ? gradient * TLanes.Broadcast(1f - arguments.Strength) : default;
            TLanes result = TEstimator.Gradient(gradient, unrounded, rounded, parameter);
            if (arguments.Dampening != 0f)
                result += inRange & ((weight - value) * TLanes.Broadcast(arguments.Dampening));
            if (arguments.Accumulates)
                result += TLanes.Load(output);
            result.Store(output);
            return new(scaleSum, zeroPointSum);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private static Sums RunTail(in Arguments arguments, in GroupGrid grid, float* weight, float* upstream, float* output, int count, Sums sums)
        {
            float* padded = stackalloc float[3 * LaneLoop.Lanes];
            new Span<float>(padded, 3 * LaneLoop.Lanes).Clear();
            Unsafe.CopyBlockUnaligned(padded, weight, (uint)count * sizeof(float));
            Unsafe.CopyBlockUnaligned(padded + LaneLoop.Lanes, upstream, (uint)count * sizeof(float));
            Unsafe.CopyBlockUnaligned(padded + (2 * LaneLoop.Lanes), output, (uint)count * sizeof(float));
            sums = Step(arguments, new GroupGrid<TLanes>(grid), TLanes.Broadcast(arguments.Parameter), false, padded, padded + LaneLoop.Lanes, padded + (2 * LaneLoop.Lanes), sums);
            Unsafe.CopyBlockUnaligned(output, padded + (2 * LaneLoop.Lanes), (uint)count * sizeof(float));
            return sums;
        }

        private readonly record struct Sums(TLanes Scale, TLanes ZeroPoint);
    }

    private readonly struct ScalarBlocks<TEstimator>(Arguments arguments) : IBlockKernel where TEstimator : unmanaged, IStraightThrough
    {
        private readonly Arguments _arguments = arguments;

        public void Run(BlockPiece piece, long blockCount)
        {
            for (long block = 0; block < blockCount; block++)
                RunBlock(piece.Next(block));
        }

        private void RunBlock(in BlockPiece piece)
        {
            GroupGrid grid = new(_arguments.Grid, piece.Group);
            ScalarLanes scaleSums = default;
            ScalarLanes zeroPointSums = default;
            for (int i = 0; i < piece.Count; i++)
            {
                long index = piece.First + i;
                float weight = _arguments.Weights[index];
                float gradient = _arguments.Upstream[index];
                float quotient = weight / grid.Scale;
                float level = grid.Level(quotient);
                bool inRange = grid.InRange(quotient);
                Rounded rounded = new(weight, quotient, level, level * grid.Scale, inRange);
                scaleSums.Add(i, (inRange ? level - quotient : level) * gradient);
                zeroPointSums.Add(i, inRange ? 0f : gradient);
                float unrounded = _arguments.Strength < 1f ? gradient * (1f - _arguments.Strength) : 0f;
                float result = TEstimator.Gradient(gradient, unrounded, rounded, _arguments.Parameter);
                if (_arguments.Dampening != 0f)
                    result += inRange ? (weight - rounded.Value) * _arguments.Dampening : 0f;
                _arguments.WeightGradients[index] = _arguments.Accumulates ? result + _arguments.WeightGradients[index] : result;
            }

            if (_arguments.ScaleGradients == null)
                return;
            float factor = _arguments.FactorOf(piece);
            _arguments.ScaleGradients[piece.Part] = scaleSums.Sum() * factor;
            if (_arguments.ZeroPointGradients != null)
                _arguments.ZeroPointGradients[piece.Part] = zeroPointSums.Sum() * -grid.Scale * factor;
        }
    }
}
