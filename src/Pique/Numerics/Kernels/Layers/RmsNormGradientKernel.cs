using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Gradients of root-mean-square normalization: of the rows, g·gain·r − x·(r³/width)·Σ(g·gain·x), and of the gain, Σ over rows of g·x·r. A row is read from memory once.</summary>
/// <remarks>The gain's gradient is summed over slices of rows, cut by the number of rows alone, and the slices' sums are added in order: its bits do not depend on threads.</remarks>
internal static unsafe class RmsNormGradientKernel
{
    private const long MostSlices = 64;
    private const long LeastSliceRows = 32;

    /// <summary>Slices that so many rows are cut into.</summary>
    public static long SliceCount(long rowCount) => (rowCount + SliceRows(rowCount) - 1) / SliceRows(rowCount);

    /// <summary>Computes the gradients.</summary>
    /// <param name="arguments">What is read and written.</param>
    /// <param name="form">Form of the kernel.</param>
    public static void Run(in Arguments arguments, KernelForm form)
    {
        switch (form)
        {
            case KernelForm.Simd512:
                RunSlices<LaneRmsNormLoops<Lanes512>>(arguments);
                break;
            case KernelForm.Simd256:
                RunSlices<LaneRmsNormLoops<Lanes256>>(arguments);
                break;
            case KernelForm.Simd128:
                RunSlices<LaneRmsNormLoops<Lanes128>>(arguments);
                break;
            default:
                RunSlices<ScalarRmsNormLoops>(arguments);
                break;
        }
    }

    private static long SliceRows(long rowCount) => Math.Max(LeastSliceRows, (rowCount + MostSlices - 1) / MostSlices);

    private static void RunSlices<TLoops>(in Arguments arguments) where TLoops : unmanaged, IRmsNormLoops
    {
        long sliceCount = SliceCount(arguments.RowCount);
        Slices<TLoops> work = new() { Arguments = arguments };
        KernelThreads.Run(ref work, sliceCount, arguments.RowCount * arguments.Width);
        if (arguments.GainGradient == null)
            return;
        new Span<float>(arguments.GainGradient, arguments.Width).Clear();
        for (long slice = 0; slice < sliceCount; slice++)
            TLoops.Add(arguments.GainGradient, arguments.SliceSums + (slice * arguments.Width), arguments.Width);
    }

    /// <summary>What the kernel reads and writes.</summary>
    internal struct Arguments
    {
        /// <summary>Number of rows.</summary>
        public long RowCount;

        /// <summary>Values in a row.</summary>
        public int Width;

        /// <summary>x, the rows that were normalized.</summary>
        public float* Input;

        /// <summary>r of every row.</summary>
        public float* InverseRms;

        /// <summary>One factor a column.</summary>
        public float* Gain;

        /// <summary>g, gradient of the normalized rows.</summary>
        public float* Upstream;

        /// <summary>Gradient that reaches the rows on another way and is added; null for none.</summary>
        public float* Beside;

        /// <summary>Receives the gradient of the rows; null where nobody asks.</summary>
        public float* InputGradient;

        /// <summary>Receives the gradient of the gain; null where nobody asks.</summary>
        public float* GainGradient;

        /// <summary>Room for a row a slice where there is a gradient of the gain.</summary>
        public float* SliceSums;
    }

    private struct Slices<TLoops> : ISlicedWork where TLoops : unmanaged, IRmsNormLoops
    {
        public Arguments Arguments;

        public readonly void Run(long first, long end)
        {
            long sliceRows = SliceRows(Arguments.RowCount);
            for (long slice = first; slice < end; slice++)
                RunRows(slice * sliceRows, Math.Min((slice + 1) * sliceRows, Arguments.RowCount), slice);
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void RunRows(long first, long end, long slice)
        {
            int width = Arguments.Width;
            float* gainSums = Arguments.GainGradient == null ? null : Arguments.SliceSums + (slice * width);
            if (gainSums != null)
                new Span<float>(gainSums, width).Clear();
            for (long row = first; row < end; row++)
            {
                float* input = Arguments.Input + (row * width);
                float* upstream = Arguments.Upstream + (row * width);
                float inverse = Arguments.InverseRms[row];
                if (gainSums != null)
                    TLoops.AddGainGradient(upstream, input, inverse, gainSums, width);
                if (Arguments.InputGradient == null)
                    continue;
                double product = TLoops.ProductSum(upstream, Arguments.Gain, input, width);

                // r is 0 only where the squares were too large for float32: such a row has no norm, and its gradient must not pass for 0.
                float projection = inverse == 0f ? float.NaN : (float)((double)inverse * inverse * inverse * product / width);
                NormFactors factors = new(inverse, projection);
                float* beside = Arguments.Beside == null ? null : Arguments.Beside + (row * width);
                TLoops.InputGradient(upstream, Arguments.Gain, input, factors, beside, Arguments.InputGradient + (row * width), width);
            }
        }
    }
}
