using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>One step of a kernel over sixteen weights.</summary>
internal unsafe interface ILaneStep
{
    /// <summary>Computes sixteen results.</summary>
    /// <param name="first">Sixteen values of the first input.</param>
    /// <param name="second">Sixteen values of the second input, where the kernel has one; else not to be read.</param>
    /// <param name="output">Where sixteen results go, where the kernel has any; else not to be written.</param>
    void Step(float* first, float* second, byte* output);
}

/// <summary>Steps over a run of weights; the last, incomplete sixteen are padded with zeros.</summary>
internal static unsafe class LaneLoop
{
    /// <summary>Lanes of a step.</summary>
    public const int Lanes = 16;

    /// <summary>Runs a step over consecutive weights.</summary>
    /// <param name="step">The step.</param>
    /// <param name="first">First input.</param>
    /// <param name="second">Second input or null.</param>
    /// <param name="output">Output or null.</param>
    /// <param name="outputBytes">Bytes of an output value.</param>
    /// <param name="count">Number of weights.</param>
    /// <remarks>
    /// Compiled with all optimizations at its first call: a method that is called seldom, however long it runs, would else be taken for
    /// cold. It is not inlined, so that the step is: what one method may inline has a limit.
    /// </remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    public static void Run<TStep>(ref TStep step, float* first, float* second, byte* output, int outputBytes, int count) where TStep : struct, ILaneStep
    {
        // A copy whose address nobody takes: what it sums may stay in registers.
        TStep local = step;
        int whole = count & ~(Lanes - 1);
        for (int i = 0; i < whole; i += Lanes)
            local.Step(first + i, second + i, output + ((nint)i * outputBytes));
        step = local;
        if (whole < count)
            RunTail(ref step, first + whole, second == null ? null : second + whole, output == null ? null : output + ((nint)whole * outputBytes), outputBytes, count - whole);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void RunTail<TStep>(ref TStep step, float* first, float* second, byte* output, int outputBytes, int count) where TStep : struct, ILaneStep
    {
        PaddedStep padded = default;
        Unsafe.CopyBlockUnaligned(padded.First, first, (uint)count * sizeof(float));
        if (second != null)
            Unsafe.CopyBlockUnaligned(padded.Second, second, (uint)count * sizeof(float));
        if (output != null)
            Unsafe.CopyBlockUnaligned(padded.Output, output, (uint)(count * outputBytes));
        step.Step(padded.First, padded.Second, padded.Output);
        if (output != null)
            Unsafe.CopyBlockUnaligned(output, padded.Output, (uint)(count * outputBytes));
    }

    private struct PaddedStep
    {
        public fixed float First[Lanes];
        public fixed float Second[Lanes];
        public fixed byte Output[Lanes * sizeof(float)];
    }
}
