using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Σx² over several tensors, each read once.</summary>
/// <remarks>
/// A block of <see cref="TensorSequence.BlockWeights"/> values has sixteen float32 partial sums of sixteen squares each; the blocks' sums are
/// added in float64, slice by slice in order. The relative error is at most some 20 units of float32, and typically one, however many
/// values there are. A block whose sum exceeds float32 counts as infinite.
/// </remarks>
internal static unsafe class SumOfSquaresKernel
{
    /// <summary>Computes the sum.</summary>
    /// <param name="tensors">Address of the first value of each tensor.</param>
    /// <param name="counts">Number of values of each.</param>
    /// <param name="form">Form of the kernel.</param>
    /// <returns>Not finite where a value is not finite or a block's sum overflows.</returns>
    public static double Run(ReadOnlySpan<nint> tensors, ReadOnlySpan<long> counts, KernelForm form)
    {
        double[] slices = new double[TensorSequence.SliceCount(counts)];
        fixed (nint* addresses = tensors)
        fixed (double* sums = slices)
        {
            switch (form)
            {
                case KernelForm.Simd512:
                    TensorSequence.Run(counts, new LaneSums<Lanes512>((float**)addresses, sums));
                    break;
                case KernelForm.Simd256:
                    TensorSequence.Run(counts, new LaneSums<Lanes256>((float**)addresses, sums));
                    break;
                case KernelForm.Simd128:
                    TensorSequence.Run(counts, new LaneSums<Lanes128>((float**)addresses, sums));
                    break;
                default:
                    TensorSequence.Run(counts, new ScalarSums((float**)addresses, sums));
                    break;
            }
        }

        double total = 0;
        foreach (double slice in slices)
            total += slice;
        return total;
    }

    private readonly struct LaneSums<TLanes>(float** tensors, double* sums) : ITensorKernel where TLanes : unmanaged, ILanes<TLanes>
    {
        private readonly float** _tensors = tensors;
        private readonly double* _sums = sums;

        [SkipLocalsInit]
        [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
        public void Run(int tensor, long first, long end, long slice)
        {
            float* padded = stackalloc float[LaneLoop.Lanes];
            float* values = _tensors[tensor];
            double total = 0;
            for (; first < end; first += TensorSequence.BlockWeights)
            {
                int count = (int)Math.Min(TensorSequence.BlockWeights, end - first);
                int whole = count & ~(LaneLoop.Lanes - 1);
                float* value = values + first;
                TLanes squares = default;
                for (float* stop = value + whole; value < stop; value += LaneLoop.Lanes)
                    squares = Step(squares, TLanes.Load(value));
                if (whole < count)
                {
                    new Span<float>(padded, LaneLoop.Lanes).Clear();
                    Unsafe.CopyBlockUnaligned(padded, value, (uint)(count - whole) * sizeof(float));
                    squares = Step(squares, TLanes.Load(padded));
                }

                total += squares.Sum();
            }

            _sums[slice] += total;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static TLanes Step(TLanes squares, TLanes value) => squares + (value * value);
    }

    private readonly struct ScalarSums(float** tensors, double* sums) : ITensorKernel
    {
        private readonly float** _tensors = tensors;
        private readonly double* _sums = sums;

        public void Run(int tensor, long first, long end, long slice)
        {
            float* values = _tensors[tensor];
            double total = 0;
            for (; first < end; first += TensorSequence.BlockWeights)
            {
                ScalarLanes squares = default;
                for (int i = 0; i < Math.Min(TensorSequence.BlockWeights, end - first); i++)
                    squares.Add(i, values[first + i] * values[first + i]);
                total += squares.Sum();
            }

            _sums[slice] += total;
        }
    }
}
