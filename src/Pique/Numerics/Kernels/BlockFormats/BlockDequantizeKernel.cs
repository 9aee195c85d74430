using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Pique.Numerics.Kernels;

/// <summary>Reads ggml blocks as float32.</summary>
internal static unsafe class BlockDequantizeKernel
{
    /// <summary>Reads consecutive blocks.</summary>
    /// <param name="blocks">Whole blocks.</param>
    /// <param name="output">Receives all their weights.</param>
    /// <param name="form">Form of the kernel; null for the best.</param>
    /// <exception cref="ArgumentException">The bytes are no whole blocks, or the output does not hold exactly their weights.</exception>
    public static void Run<TFormat>(ReadOnlySpan<byte> blocks, Span<float> output, KernelForm? form = null) where TFormat : struct, IBlockFormat
    {
        (int blockCount, int partBytes) = Math.DivRem(blocks.Length, TFormat.Bytes);
        if (partBytes != 0)
            throw new ArgumentException($"Found {blocks.Length} bytes of {TFormat.Name}, expected a multiple of {TFormat.Bytes}.");
        if (output.Length != (long)blockCount * TFormat.Weights)
            throw new ArgumentException($"Found room for {output.Length} weights, expected {(long)blockCount * TFormat.Weights} for {blockCount} blocks of {TFormat.Name}.");
        fixed (byte* first = blocks)
        fixed (float* destination = output)
            Run<TFormat>(first, blockCount, destination, form ?? KernelForms.Best);
    }

    /// <summary>Reads consecutive blocks.</summary>
    /// <param name="blocks">The blocks.</param>
    /// <param name="blockCount">Their number.</param>
    /// <param name="output">Receives all their weights.</param>
    /// <param name="form">Form of the kernel.</param>
    public static void Run<TFormat>(byte* blocks, long blockCount, float* output, KernelForm form) where TFormat : struct, IBlockFormat
    {
        switch (form)
        {
            case KernelForm.Simd512:
                RunLanes<TFormat, Lanes512>(blocks, blockCount, output);
                break;
            case KernelForm.Simd256:
                RunLanes<TFormat, Lanes256>(blocks, blockCount, output);
                break;
            case KernelForm.Simd128:
                RunLanes<TFormat, Lanes128>(blocks, blockCount, output);
                break;
            default:
                Slices<TFormat, Scalar<TFormat>>.Run(blocks, blockCount, output);
                break;
        }
    }

    private static void RunLanes<TFormat, TLanes>(byte* blocks, long blockCount, float* output) where TFormat : struct, IBlockFormat where TLanes : unmanaged, ILanes<TLanes>
    {
        if (((nuint)output & 63) == 0 && blockCount * TFormat.Weights * sizeof(float) > PastTheCaches.LeastBytes)
            Slices<TFormat, Wide<TFormat, TLanes, PastTheCaches>>.Run(blocks, blockCount, output);
        else
            Slices<TFormat, Wide<TFormat, TLanes, ThroughTheCaches>>.Run(blocks, blockCount, output);
    }

    private interface IForm
    {
        static abstract void Dequantize(byte* block, float* output);
    }

    private readonly struct Scalar<TFormat> : IForm where TFormat : struct, IBlockFormat
    {
        public static void Dequantize(byte* block, float* output) => TFormat.Dequantize(block, output);
    }

    private readonly struct Wide<TFormat, TLanes, TStores> : IForm where TFormat : struct, IBlockFormat where TLanes : unmanaged, ILanes<TLanes> where TStores : struct, IStores
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static void Dequantize(byte* block, float* output) => TFormat.Dequantize<TLanes, TStores>(block, output);
    }

    private struct Slices<TFormat, TForm> : ISlicedWork where TFormat : struct, IBlockFormat where TForm : struct, IForm
    {
        private const int SliceWeights = 4096;

        private byte* _blocks;
        private long _blockCount;
        private float* _output;

        public static void Run(byte* blocks, long blockCount, float* output)
        {
            Slices<TFormat, TForm> work = new() { _blocks = blocks, _blockCount = blockCount, _output = output };
            int sliceBlocks = SliceWeights / TFormat.Weights;
            KernelThreads.Run(ref work, (blockCount + sliceBlocks - 1) / sliceBlocks, blockCount * TFormat.Weights);
        }

        // A large tensor may be the only one of its type: there is no time to wait for a better tier of code.
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public readonly void Run(long first, long end)
        {
            int sliceBlocks = SliceWeights / TFormat.Weights;
            long endBlock = Math.Min(end * sliceBlocks, _blockCount);
            byte* block = _blocks + (first * sliceBlocks * TFormat.Bytes);
            float* output = _output + (first * sliceBlocks * TFormat.Weights);
            for (long i = first * sliceBlocks; i < endBlock; i++, block += TFormat.Bytes, output += TFormat.Weights)
                TForm.Dequantize(block, output);

            // Orders non-temporal stores before whatever says that the work is done.
            if (Sse.IsSupported)
                Sse.StoreFence();
        }
    }
}
