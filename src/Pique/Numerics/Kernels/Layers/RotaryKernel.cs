using System.Runtime.CompilerServices;

namespace Pique.Numerics.Kernels;

/// <summary>Rotary positions: turns the heads of every token in one pass.</summary>
internal static unsafe class RotaryKernel
{
    /// <summary>Turns the heads.</summary>
    /// <param name="arguments">What is read and written.</param>
    /// <param name="back">Whether by the negative angles: the transpose, which is the gradient.</param>
    /// <param name="form">Form of the kernel.</param>
    public static void Run(in Arguments arguments, bool back, KernelForm form)
    {
        switch (form)
        {
            case KernelForm.Simd512:
                RunTokens<LaneHeadRotation<Lanes512>>(arguments, back);
                break;
            case KernelForm.Simd256:
                RunTokens<LaneHeadRotation<Lanes256>>(arguments, back);
                break;
            case KernelForm.Simd128:
                RunTokens<LaneHeadRotation<Lanes128>>(arguments, back);
                break;
            default:
                RunTokens<ScalarHeadRotation>(arguments, back);
                break;
        }
    }

    private static void RunTokens<TRotation>(in Arguments arguments, bool back) where TRotation : unmanaged, IHeadRotation
    {
        if (back)
            RunTokens<TRotation, Yes>(arguments);
        else
            RunTokens<TRotation, No>(arguments);
    }

    private static void RunTokens<TRotation, TBack>(in Arguments arguments) where TRotation : unmanaged, IHeadRotation where TBack : unmanaged, IChoice
    {
        Tokens<TRotation, TBack> work = new() { Arguments = arguments };
        long tokens = arguments.BatchCount * arguments.TokenCount;
        KernelThreads.Run(ref work, tokens, tokens * arguments.HeadCount * 2 * arguments.Half);
    }

    /// <summary>What the kernel reads and writes.</summary>
    internal struct Arguments
    {
        /// <summary>Number of sequences.</summary>
        public long BatchCount;

        /// <summary>Tokens in each.</summary>
        public long TokenCount;

        /// <summary>Heads of each token.</summary>
        public long HeadCount;

        /// <summary>Pairs of channels in a head.</summary>
        public int Half;

        /// <summary>The heads; the channels of one lie side by side.</summary>
        public float* Source;

        /// <summary>Values from one sequence of the source to the next.</summary>
        public long BatchStride;

        /// <summary>Values from one token of the source to the next.</summary>
        public long TokenStride;

        /// <summary>Values from one head of the source to the next.</summary>
        public long HeadStride;

        /// <summary>Receives the heads, [batch, tokens, heads, 2·half] without gaps; may be the source where that has the same layout.</summary>
        public float* Destination;

        /// <summary>Cosines, 2·half a token, of which the first half is read.</summary>
        public float* Cos;

        /// <summary>Sines, 2·half a token, of which the second half is read: in the tables of rotary positions the first is negated.</summary>
        public float* SignedSin;
    }

    private struct Tokens<TRotation, TBack> : ISlicedWork where TRotation : unmanaged, IHeadRotation where TBack : unmanaged, IChoice
    {
        public Arguments Arguments;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(long first, long end)
        {
            int half = Arguments.Half;
            for (long position = first; position < end; position++)
            {
                long batch = position / Arguments.TokenCount, token = position % Arguments.TokenCount;
                float* cos = Arguments.Cos + (token * 2 * half);
                float* sin = Arguments.SignedSin + (token * 2 * half) + half;
                float* source = Arguments.Source + (batch * Arguments.BatchStride) + (token * Arguments.TokenStride);
                float* destination = Arguments.Destination + (position * Arguments.HeadCount * 2 * half);
                for (long head = 0; head < Arguments.HeadCount; head++)
                    TRotation.Rotate<TBack>(source + (head * Arguments.HeadStride), cos, sin, half, destination + (head * 2 * half));
            }
        }
    }
}
