using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>One update of AdamW: weight, gradient and both moments are read once, weight and both moments written once.</summary>
/// <remarks>
/// Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2, the clipped gradient being f·g. A block of <see cref="TensorSequence.BlockWeights"/>
/// weights is updated where it lies, or, where it is held in fewer bits, in a buffer that the first-level cache holds: read into it, updated
/// in float32, and rounded back. All steps work on single values or on blocks, so every form gives the same bits on any number of threads.
/// </remarks>
internal static unsafe class AdamWKernel
{
    /// <summary>Updates parameters.</summary>
    /// <param name="parameters">The parameters; gradients are finite.</param>
    /// <param name="counts">Number of weights of each.</param>
    /// <param name="constants">What is the same for all.</param>
    /// <param name="form">Form of the kernel.</param>
    public static void Run(ReadOnlySpan<AdamWParameter> parameters, ReadOnlySpan<long> counts, in AdamWConstants constants, KernelForm form)
    {
        fixed (AdamWParameter* first = parameters)
        {
            switch (form)
            {
                case KernelForm.Simd512:
                    TensorSequence.Run(counts, new Blocks<Lanes512>(first, constants));
                    break;
                case KernelForm.Simd256:
                    TensorSequence.Run(counts, new Blocks<Lanes256>(first, constants));
                    break;
                case KernelForm.Simd128:
                    TensorSequence.Run(counts, new Blocks<Lanes128>(first, constants));
                    break;
                default:
                    TensorSequence.Run(counts, new ScalarBlocks(first, constants));
                    break;
            }
        }
    }

    private readonly struct Blocks<TLanes>(AdamWParameter* parameters, AdamWConstants constants) : ITensorKernel
        where TLanes : unmanaged, ILanes<TLanes>
    {
        private readonly AdamWParameter* _parameters = parameters;
        private readonly AdamWConstants _constants = constants;

        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public void Run(int tensor, long first, long end, long slice)
        {
            const int Block = TensorSequence.BlockWeights;
            float* buffer = stackalloc float[3 * Block];
            AdamWParameter parameter = _parameters[tensor];
            for (; first < end; first += Block)
            {
                int count = (int)Math.Min(Block, end - first);
                int whole = count & ~(LaneLoop.Lanes - 1);
                AdamWBlock block = new(parameter, first, buffer);
                if (parameter.HalfWeights != null)
                    StochasticRounding.Widen<TLanes>(parameter.HalfWeights + first, block.Weights, count);
                if (parameter.FirstCodes != null)
                    MomentCodes.Read<TLanes>(parameter, first, block, count);
                Update(block, whole, parameter.Decay, parameter.Step);
                UpdateScalar(block, whole, count, parameter, _constants);
                if (parameter.FirstCodes != null)
                    MomentCodes.Write<TLanes>(parameter, first, block, count);
                if (parameter.HalfWeights != null)
                    StochasticRounding.Round<TLanes>(block.Weights, parameter.HalfWeights + first, count, parameter.RandomState, first);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private void Update(in AdamWBlock block, int whole, float decay, float step)
        {
            TLanes factor = TLanes.Broadcast(_constants.GradientFactor);
            TLanes beta1 = TLanes.Broadcast(_constants.Beta1), oneLessBeta1 = TLanes.Broadcast(_constants.OneLessBeta1);
            TLanes beta2 = TLanes.Broadcast(_constants.Beta2), oneLessBeta2 = TLanes.Broadcast(_constants.OneLessBeta2);
            TLanes rootFactor = TLanes.Broadcast(_constants.RootFactor), epsilon = TLanes.Broadcast(_constants.Epsilon);
            TLanes kept = TLanes.Broadcast(decay), length = TLanes.Broadcast(step);
            float* weights = block.Weights, gradients = block.Gradients, firsts = block.First, seconds = block.Second;
            for (int i = 0; i < whole; i += LaneLoop.Lanes)
            {
                TLanes gradient = TLanes.Load(gradients + i) * factor;
                TLanes first = (TLanes.Load(firsts + i) * beta1) + (gradient * oneLessBeta1);
                TLanes second = (TLanes.Load(seconds + i) * beta2) + (gradient * gradient * oneLessBeta2);
                TLanes denominator = (TLanes.Sqrt(second) * rootFactor) + epsilon;
                first.Store(firsts + i);
                second.Store(seconds + i);
                ((TLanes.Load(weights + i) * kept) - (length * (first / denominator))).Store(weights + i);
            }
        }
    }

    private readonly struct ScalarBlocks(AdamWParameter* parameters, AdamWConstants constants) : ITensorKernel
    {
        private readonly AdamWParameter* _parameters = parameters;
        private readonly AdamWConstants _constants = constants;

        public void Run(int tensor, long first, long end, long slice)
        {
            const int Block = TensorSequence.BlockWeights;
            float* buffer = stackalloc float[3 * Block];
            AdamWParameter parameter = _parameters[tensor];
            for (; first < end; first += Block)
            {
                int count = (int)Math.Min(Block, end - first);
                AdamWBlock block = new(parameter, first, buffer);
                if (parameter.HalfWeights != null)
                    StochasticRounding.WidenScalar(parameter.HalfWeights + first, block.Weights, 0, count);
                if (parameter.FirstCodes != null)
                    MomentCodes.ReadScalar(parameter, first, block, count);
                UpdateScalar(block, 0, count, parameter, _constants);
                if (parameter.FirstCodes != null)
                    MomentCodes.WriteScalar(parameter, first, block, count);
                if (parameter.HalfWeights != null)
                    StochasticRounding.RoundScalar(block.Weights, parameter.HalfWeights + first, 0, count, parameter.RandomState, first);
            }
        }
    }

    private static void UpdateScalar(in AdamWBlock block, int from, int to, in AdamWParameter parameter, in AdamWConstants constants)
    {
        for (int i = from; i < to; i++)
        {
            float gradient = block.Gradients[i] * constants.GradientFactor;
            float first = (block.First[i] * constants.Beta1) + (gradient * constants.OneLessBeta1);
            float second = (block.Second[i] * constants.Beta2) + (gradient * gradient * constants.OneLessBeta2);
            float denominator = (MathF.Sqrt(second) * constants.RootFactor) + constants.Epsilon;
            block.First[i] = first;
            block.Second[i] = second;
            block.Weights[i] = (block.Weights[i] * parameter.Decay) - (parameter.Step * (first / denominator));
        }
    }
}
