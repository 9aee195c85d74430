using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>One step of a kernel over sixteen weights.</summary>
internal unsafe interface ILaneStep
{
    /// <summary>Computes sixteen results.</summary>
    /// <param name="first">Sixteen values of the first input.</param>
    /// <param name="second">Sixteen values of the second input; null where the kernel has one input.</param>
    /// <param name="output">Where sixteen results go; null where the kernel only reduces.</param>
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
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Run<TStep>(ref TStep step, float* first, float* second, byte* output, int outputBytes, int count) where TStep : struct, ILaneStep
    {
        int i = 0;
        for (; i <= count - Lanes; i += Lanes)
            step.Step(first + i, second == null ? null : second + i, output == null ? null : output + ((nint)i * outputBytes));
        if (i < count)
            RunTail(ref step, first + i, second == null ? null : second + i, output == null ? null : output + ((nint)i * outputBytes), outputBytes, count - i);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void RunTail<TStep>(ref TStep step, float* first, float* second, byte* output, int outputBytes, int count) where TStep : struct, ILaneStep
    {
        PaddedStep padded = default;
        Unsafe.CopyBlockUnaligned(padded.First, first, (uint)count * sizeof(float));
        if (second != null)
            Unsafe.CopyBlockUnaligned(padded.Second, second, (uint)count * sizeof(float));
        if (output != null)
            Unsafe.CopyBlockUnaligned(padded.Output, output, (uint)(count * outputBytes));
        step.Step(padded.First, second == null ? null : padded.Second, output == null ? null : padded.Output);
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
