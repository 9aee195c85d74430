using System.Buffers;
using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>
/// Gradients of fake quantization in one pass over weights and upstream gradient: that of the weights by a straight-through
/// estimator, and where asked for those of scales and zero points. Math of record §2 and §3.
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
                walk.Run(new Blocks<Lanes512, TEstimator>(arguments));
                break;
            case KernelForm.Simd256:
                walk.Run(new Blocks<Lanes256, TEstimator>(arguments));
                break;
            case KernelForm.Simd128:
                walk.Run(new Blocks<Lanes128, TEstimator>(arguments));
                break;
            default:
                walk.Run(new ScalarBlocks<TEstimator>(arguments));
                break;
        }
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

    private struct Blocks<TLanes, TEstimator>(Arguments arguments) : IBlockKernel
        where TLanes : unmanaged, ILanes<TLanes>
        where TEstimator : unmanaged, IStraightThrough
    {
        private readonly Arguments _arguments = arguments;

        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public readonly void Run(in BlockPiece piece)
        {
            GroupGrid grid = new(_arguments.Grid, piece.Group);
            float* output = _arguments.WeightGradients + piece.First;
            bool isNonTemporal = _arguments.IsNonTemporal && !_arguments.Accumulates && ((nuint)output & 63) == 0 && piece.Count % LaneLoop.Lanes == 0;
            Step<TLanes, TEstimator> step = new(grid, _arguments, isNonTemporal);
            LaneLoop.Run(ref step, _arguments.Weights + piece.First, _arguments.Upstream + piece.First, (byte*)output, sizeof(float), piece.Count);
            if (_arguments.ScaleGradients == null)
                return;
            float factor = _arguments.FactorOf(piece);
            _arguments.ScaleGradients[piece.Part] = step.ScaleSum * factor;
            if (_arguments.ZeroPointGradients != null)
                _arguments.ZeroPointGradients[piece.Part] = step.ZeroPointSum * -grid.Scale * factor;
        }
    }

    private struct Step<TLanes, TEstimator> : ILaneStep
        where TLanes : unmanaged, ILanes<TLanes>
        where TEstimator : unmanaged, IStraightThrough
    {
        private readonly GroupGrid _grid;
        private readonly float _parameter;
        private readonly float _strength;
        private readonly float _dampening;
        private readonly bool _accumulates;
        private readonly bool _isNonTemporal;
        private readonly bool _sumsScale;
        private readonly bool _sumsZeroPoint;
        private TLanes _scaleSums;
        private TLanes _zeroPointSums;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Step(in GroupGrid grid, in Arguments arguments, bool isNonTemporal)
        {
            _grid = grid;
            _parameter = arguments.Parameter;
            _strength = arguments.Strength;
            _dampening = arguments.Dampening;
            _accumulates = arguments.Accumulates;
            _isNonTemporal = isNonTemporal;
            _sumsScale = arguments.ScaleGradients != null;
            _sumsZeroPoint = arguments.ZeroPointGradients != null;
        }

        public readonly float ScaleSum => _scaleSums.Sum();

        public readonly float ZeroPointSum => _zeroPointSums.Sum();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        void ILaneStep.Step(float* first, float* second, byte* output)
        {
            TLanes weight = TLanes.Load(first);
            TLanes gradient = TLanes.Load(second);
            TLanes scale = TLanes.Broadcast(_grid.Scale);
            TLanes quotient = weight / scale;
            TLanes level = _grid.Levels(quotient);
            TLanes value = level * scale;
            TLanes inRange = _grid.InRange(quotient);
            if (_sumsScale)
                _scaleSums += (level - (inRange & quotient)) * gradient;
            if (_sumsZeroPoint)
                _zeroPointSums += gradient - (inRange & gradient);

            TLanes result = TEstimator.Gradient(gradient, new Rounded<TLanes>(weight, quotient, level, value, inRange), TLanes.Broadcast(_parameter), TLanes.Broadcast(_strength));
            if (_dampening != 0f)
                result += inRange & ((weight - value) * TLanes.Broadcast(_dampening));
            if (_accumulates)
                (result + TLanes.Load((float*)output)).Store((float*)output);
            else if (_isNonTemporal)
                result.StoreNonTemporal((float*)output);
            else
                result.Store((float*)output);
        }
    }

    private readonly struct ScalarBlocks<TEstimator>(Arguments arguments) : IBlockKernel where TEstimator : unmanaged, IStraightThrough
    {
        private readonly Arguments _arguments = arguments;

        public void Run(in BlockPiece piece)
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
                float result = TEstimator.Gradient(gradient, rounded, _arguments.Parameter, _arguments.Strength);
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
