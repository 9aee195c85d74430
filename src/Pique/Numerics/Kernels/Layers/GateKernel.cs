namespace Pique.Numerics.Kernels;

/// <summary>silu(gate)·up, or its two gradients, in one pass.</summary>
internal static unsafe class GateKernel
{
    private const long SliceValues = 1 << 12;

    /// <summary>Computes the product, or the gradients where there is an upstream gradient.</summary>
    /// <param name="arguments">What is read and written.</param>
    /// <param name="form">Form of the kernel.</param>
    public static void Run(in Arguments arguments, KernelForm form)
    {
        switch (form)
        {
            case KernelForm.Simd512:
                RunSlices<LaneGateLoops<Lanes512>>(arguments);
                break;
            case KernelForm.Simd256:
                RunSlices<LaneGateLoops<Lanes256>>(arguments);
                break;
            case KernelForm.Simd128:
                RunSlices<LaneGateLoops<Lanes128>>(arguments);
                break;
            default:
                RunSlices<ScalarGateLoops>(arguments);
                break;
        }
    }

    private static void RunSlices<TLoops>(in Arguments arguments) where TLoops : unmanaged, IGateLoops
    {
        Slices<TLoops> work = new() { Arguments = arguments };
        KernelThreads.Run(ref work, (arguments.Count + SliceValues - 1) / SliceValues, arguments.Count);
    }

    /// <summary>What the kernel reads and writes; outputs may lie over inputs of the same position.</summary>
    internal struct Arguments
    {
        /// <summary>Number of values.</summary>
        public long Count;

        /// <summary>What goes through silu.</summary>
        public float* Gate;

        /// <summary>What is multiplied.</summary>
        public float* Up;

        /// <summary>Receives the product; unused where there is an upstream gradient.</summary>
        public float* Output;

        /// <summary>Gradient of the product; null where the product itself is wanted.</summary>
        public float* Upstream;

        /// <summary>Receives the gradient of the gate.</summary>
        public float* GateGradient;

        /// <summary>Receives the gradient of up.</summary>
        public float* UpGradient;
    }

    private struct Slices<TLoops> : ISlicedWork where TLoops : unmanaged, IGateLoops
    {
        public Arguments Arguments;

        public readonly void Run(long first, long end)
        {
            long start = first * SliceValues;
            long count = Math.Min(end * SliceValues, Arguments.Count) - start;
            if (Arguments.Upstream == null)
                TLoops.Product(Arguments.Gate + start, Arguments.Up + start, Arguments.Output + start, count);
            else
                TLoops.Gradients(Arguments.Gate + start, Arguments.Up + start, Arguments.Upstream + start, Arguments.GateGradient + start, Arguments.UpGradient + start, count);
        }
    }
}
