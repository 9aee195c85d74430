using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Root-mean-square normalization of rows, y = x·r·gain with r = 1/√(mean(x²) + ε): a row is read from memory once and stays in the cache.</summary>
internal static unsafe class RmsNormKernel
{
    /// <summary>Normalizes the rows.</summary>
    /// <param name="arguments">What is read and written.</param>
    /// <param name="form">Form of the kernel.</param>
    public static void Run(in Arguments arguments, KernelForm form)
    {
        switch (form)
        {
            case KernelForm.Simd512:
                RunRows<LaneRmsNormLoops<Lanes512>>(arguments);
                break;
            case KernelForm.Simd256:
                RunRows<LaneRmsNormLoops<Lanes256>>(arguments);
                break;
            case KernelForm.Simd128:
                RunRows<LaneRmsNormLoops<Lanes128>>(arguments);
                break;
            default:
                RunRows<ScalarRmsNormLoops>(arguments);
                break;
        }
    }

    private static void RunRows<TLoops>(in Arguments arguments) where TLoops : unmanaged, IRmsNormLoops
    {
        Rows<TLoops> work = new() { Arguments = arguments };
        KernelThreads.Run(ref work, arguments.RowCount, arguments.RowCount * arguments.Width);
    }

    /// <summary>What the kernel reads and writes.</summary>
    internal struct Arguments
    {
        /// <summary>Number of rows.</summary>
        public long RowCount;

        /// <summary>Values in a row.</summary>
        public int Width;

        /// <summary>ε.</summary>
        public float Epsilon;

        /// <summary>The rows; where there is an addend, the sums are written here.</summary>
        public float* Input;

        /// <summary>Rows to add before; null for none.</summary>
        public float* Addend;

        /// <summary>One factor a column.</summary>
        public float* Gain;

        /// <summary>Receives the normalized rows.</summary>
        public float* Output;

        /// <summary>Receives r of every row; null where nobody asks.</summary>
        public float* InverseRms;
    }

    private struct Rows<TLoops> : ISlicedWork where TLoops : unmanaged, IRmsNormLoops
    {
        public Arguments Arguments;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(long first, long end)
        {
            int width = Arguments.Width;
            for (long row = first; row < end; row++)
            {
                float* input = Arguments.Input + (row * width);
                double squares = Arguments.Addend == null ? TLoops.SquareSum(input, width) : TLoops.AddSquareSum(input, Arguments.Addend + (row * width), width);
                float inverse = (float)(1 / Math.Sqrt((squares / width) + Arguments.Epsilon));
                TLoops.Scale(input, Arguments.Gain, inverse, Arguments.Output + (row * width), width);
                if (Arguments.InverseRms != null)
                    Arguments.InverseRms[row] = inverse;
            }
        }
    }
}
