using System.Runtime.InteropServices;
using Pique.Numerics;
using Pique.Numerics.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Benchmarks;

/// <summary>The Hadamard transform beside its peers and the copy bandwidth of the memory, all measured in this run.</summary>
internal static unsafe class HadamardBenchmark
{
    private const int Order = 4096;
    private const int Rows = 4096;
    private const int CacheRepeats = 1000;
    private const double GoalMicroseconds = 1.1;
    private const double GoalShareOfCopy = 0.8;

    /// <summary>Widths of models that are no powers of two: 20·256, 76·64 and 172·64.</summary>
    private static readonly int[] OtherOrders = [5120, 4864, 11008];

    /// <summary>Measures and prints.</summary>
    /// <param name="ffht">Shared library of FFHT; null to leave that peer out.</param>
    /// <param name="json">Print one JSON document instead of a table.</param>
    /// <param name="threads">Threads; null for one a processor.</param>
    public static int Run(string? ffht, bool json, int? threads)
    {
        TorchRuntime.Initialize(new RuntimeOptions { Threads = threads });
        List<BenchmarkRow> rows = [];
        double copy = MemoryBound.CopyBytesPerSecond(), fill = MemoryBound.FillBytesPerSecond();
        using NativeBuffer buffer = new((long)Rows * Order * sizeof(float));
        delegate* unmanaged<float*, int, int> peer = ffht is null ? null : (delegate* unmanaged<float*, int, int>)NativeLibrary.GetExport(NativeLibrary.Load(ffht), "fht_float");
        OneRow(rows, (float*)buffer.Pointer, peer);
        Batch(rows, (float*)buffer.Pointer, peer, copy);
        foreach (int order in OtherOrders)
            Rotation(rows, order, copy);
        Rotation(rows, Order, copy);
        Report.Write(json, "hadamard", rows, (copy, fill), TorchRuntime.Report);
        return 0;
    }

    // Zeros stay zeros, however often they are transformed; how long it takes does not depend on the values.
    private static void OneRow(List<BenchmarkRow> rows, float* row, delegate* unmanaged<float*, int, int> peer)
    {
        const string Case = "transform, n = 4096, one row in the cache, one thread";
        double ours = 1e6 * Timing.BestSeconds(() => Transform(row, 1), CacheRepeats);
        rows.Add(new(Case, ours, BenchmarkRow.Microseconds, "target on the reference machine", GoalMicroseconds, 1));
        if (peer != null)
            rows.Add(new(Case, ours, BenchmarkRow.Microseconds, "FFHT", 1e6 * Timing.BestSeconds(() => peer(row, int.Log2(Order)), CacheRepeats), 1));

        // In a scope: an intermediate tensor that nobody holds may be collected while it is being read.
        using DisposeScope scope = NewDisposeScope();
        Tensor values = zeros(1, Order), matrix = tensor(HadamardMatrix.Create(Order)).to(ScalarType.Float32);
        rows.Add(new(Case, ours, BenchmarkRow.Microseconds, "plain torch operations", 1e6 * Timing.BestSeconds(() => Plain(values), 10), 0));
        rows.Add(new(Case, ours, BenchmarkRow.Microseconds, "product with the dense matrix", 1e6 * Timing.BestSeconds(() => values.matmul(matrix).Dispose(), 10), 0));
    }

    private static void Batch(List<BenchmarkRow> rows, float* values, delegate* unmanaged<float*, int, int> peer, double copyBytesPerSecond)
    {
        string name = $"transform in place, 4096 rows of 4096, {KernelThreads.Count} threads";
        const double MovedBytes = 2.0 * Rows * Order * sizeof(float);
        double seconds = Timing.BestSeconds(() => Transform(values, Rows));
        rows.Add(new(name, MovedBytes / seconds / 1e9, BenchmarkRow.GigabytesPerSecond, "copy", copyBytesPerSecond / 1e9, GoalShareOfCopy));
        if (peer != null)
        {
            double ofPeer = Timing.BestSeconds(() =>
            {
                PeerRows work = new() { Values = values, Transform = peer };
                KernelThreads.Run(ref work, Rows, (long)Rows * Order);
            });
            rows.Add(new(name, 1e3 * seconds, BenchmarkRow.Milliseconds, "FFHT, rows shared out among as many threads", 1e3 * ofPeer, 1));
        }

        using Tensor tensors = zeros(Rows, Order);
        rows.Add(new(name, 1e3 * seconds, BenchmarkRow.Milliseconds, "plain torch operations", 1e3 * Timing.BestSeconds(() => Plain(tensors)), 0));
    }

    private static void Rotation(List<BenchmarkRow> rows, int order, double copyBytesPerSecond)
    {
        const int RowCount = 256;
        using RandomizedHadamard rotation = RandomizedHadamard.Create(order, seed: 1);
        using Tensor values = randn(RowCount, order), matrix = randn(order, order);
        string name = $"rotation with signs, {RowCount} rows of {order} = {string.Join("·", HadamardTransform.Create(order).Factors)}, {KernelThreads.Count} threads";
        double seconds = Timing.BestSeconds(() => rotation.Apply(values));
        rows.Add(new(name, 1e3 * seconds, BenchmarkRow.Milliseconds, "product with a dense matrix", 1e3 * Timing.BestSeconds(() => values.matmul(matrix).Dispose()), 0));
        rows.Add(new(name, 2.0 * RowCount * order * sizeof(float) / seconds / 1e9, BenchmarkRow.GigabytesPerSecond, "copy", copyBytesPerSecond / 1e9, 0));
    }

    private static void Transform(float* values, int rowCount) =>
        HadamardKernel.Run(new HadamardArguments<float> { Values = values, Outer = rowCount, Inner = 1, PowerOfTwo = Order }, KernelForms.Best);

    private static void Plain(Tensor values) => PlainHadamard.Apply(values, (values.shape[0], 1), Order, [], false, null, null);

    private struct PeerRows : ISlicedWork
    {
        public float* Values;
        public delegate* unmanaged<float*, int, int> Transform;

        public readonly void Run(long first, long end)
        {
            for (long row = first; row < end; row++)
                Transform(Values + (row * Order), int.Log2(Order));
        }
    }
}
