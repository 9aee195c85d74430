using Pique.Configuration;
using Pique.Numerics;
using Pique.Numerics.Kernels;

namespace Pique.Benchmarks;

/// <summary>Quantize-and-pack, unpack-and-dequantize and ggml blocks beside copying and filling.</summary>
internal static unsafe class PackingBenchmark
{
    private const int Bits = 3;
    private const int CacheRows = 8;
    private const int Columns = 4096;
    private const int MemoryRows = 4096;

    public static void Add(List<BenchmarkRow> rows, double fillBytesPerSecond, int threads)
    {
        using NativeBuffer weights = new((long)MemoryRows * Columns * sizeof(float)), output = new((long)MemoryRows * Columns * sizeof(float)), packed = new((long)MemoryRows * Columns), scales = new(MemoryRows * sizeof(float));
        Random random = new(1);
        for (long i = 0; i < (long)MemoryRows * Columns; i++)
            ((float*)weights.Pointer)[i] = (float)(random.NextDouble() - 0.5);
        for (int row = 0; row < MemoryRows; row++)
            ((float*)scales.Pointer)[row] = 0.125f;
        CodeGrid codes = new(Bits, GridKind.TwosComplement);
        GridPointers grid = new(codes, (float*)scales.Pointer, null);

        GroupLayout small = GroupLayout.For(new QuantGranularity.PerChannel(), CacheRows, Columns);
        int cacheBytes = CacheRows * Columns * sizeof(float);
        double cacheCopy = MemoryBound.CacheCopyBytesPerSecond(cacheBytes);
        KernelThreads.Limit(1);
        double pack = Gigabytes(cacheBytes, Timing.BestSeconds(() => QuantizePackKernel.Run((float*)weights.Pointer, grid, Bits, small, packed.Pointer, KernelForms.Best), 200));
        double unpack = Gigabytes(cacheBytes, Timing.BestSeconds(() => UnpackDequantizeKernel.Run(packed.Pointer, grid, Bits, small, 0, small.WeightCount, (float*)output.Pointer, KernelForms.Best), 200));
        rows.Add(Absolute("quantize and pack, 3 bits, in cache, one thread", pack, 16));
        rows.Add(Bound("quantize and pack, 3 bits, in cache, one thread", pack, "copy in cache", cacheCopy, 0));
        rows.Add(Absolute("unpack and dequantize, 3 bits, in cache, one thread", unpack, 38));
        rows.Add(Bound("unpack and dequantize, 3 bits, in cache, one thread", unpack, "copy in cache", cacheCopy, 0));

        double fillOfOne = MemoryBound.FillBytesPerSecondOfOneThread();
        long count = (long)MemoryRows * Columns;
        AddBlocks<Q40Blocks>(rows, weights, output, count, 23, fillOfOne);
        AddBlocks<Q80Blocks>(rows, weights, output, count, 31, fillOfOne);
        AddBlocks<Q2KBlocks>(rows, weights, output, count, 13, fillOfOne);
        AddBlocks<Q3KBlocks>(rows, weights, output, count, 7.7, fillOfOne);

        KernelThreads.Limit(threads);
        GroupLayout large = GroupLayout.For(new QuantGranularity.PerChannel(), MemoryRows, Columns);
        QuantizePackKernel.Run((float*)weights.Pointer, grid, Bits, large, packed.Pointer, KernelForms.Best);
        double streamed = Gigabytes(count * sizeof(float), Timing.BestSeconds(() => UnpackDequantizeKernel.Run(packed.Pointer, grid, Bits, large, 0, count, (float*)output.Pointer, KernelForms.Best)));
        rows.Add(Bound($"unpack and dequantize, 3 bits, to memory, {threads} threads", streamed, "fill", fillBytesPerSecond, 0.8));
    }

    private static void AddBlocks<TFormat>(List<BenchmarkRow> rows, NativeBuffer blocks, NativeBuffer output, long count, double llamaCpp, double fillOfOne) where TFormat : struct, IBlockFormat
    {
        // Any bytes are blocks; those of the scales are set to a small number, so that no value overflows.
        long blockCount = count / TFormat.Weights;
        new Span<byte>(blocks.Pointer, checked((int)(blockCount * TFormat.Bytes))).Fill(0x2A);
        double speed = Gigabytes(count * sizeof(float), Timing.BestSeconds(() => BlockDequantizeKernel.Run<TFormat>(blocks.Pointer, blockCount, (float*)output.Pointer, KernelForms.Best)));
        string name = $"dequantize {TFormat.Name}, 16 M values, one thread";
        rows.Add(new(name, speed, BenchmarkRow.GigabytesPerSecond, "llama.cpp built natively, on the reference machine", llamaCpp, 1));
        rows.Add(Bound(name, speed, "fill, one thread", fillOfOne, 0));
    }

    private static BenchmarkRow Absolute(string name, double speed, double target) => new(name, speed, BenchmarkRow.GigabytesPerSecond, "target on the reference machine", target, 1);

    private static BenchmarkRow Bound(string name, double speed, string reference, double bytesPerSecond, double reach) =>
        new(name, speed, BenchmarkRow.GigabytesPerSecond, reference, bytesPerSecond / 1e9, reach);

    private static double Gigabytes(long bytes, double seconds) => bytes / seconds / 1e9;
}
