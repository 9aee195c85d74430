using System.Text.Json;
using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Benchmarks;

/// <summary>The quantizer's kernels beside peers and bounds, all measured in this run.</summary>
internal static class QuantizerBenchmark
{
    private const int Rows = 4096;
    private const int Columns = 4096;
    private const int Bits = 3;
    private const double Weights = (double)Rows * Columns;

    // Forward: read w, write ŵ. Backward of LSQ: read w and g, write ∂w; of the standard estimator: read g, write ∂w.
    private const double LearnedBytes = Weights * sizeof(float) * (2 + 3);
    private const double StandardBytes = Weights * sizeof(float) * (2 + 2);

    public static int Run(bool json, int? threads)
    {
        double defaultAllocator = PeerMilliseconds(threads);
        TorchRuntime.Initialize(new RuntimeOptions { Threads = threads });
        List<BenchmarkRow> rows = [];
        double copy = MemoryBound.CopyBytesPerSecond();
        double fill = MemoryBound.FillBytesPerSecond();
        FakeQuantization(rows, defaultAllocator, copy);
        PackingBenchmark.Add(rows, fill, TorchRuntime.Report.Threads);
        Report.Write(json, "quantizer", rows, (copy, fill), TorchRuntime.Report);
        return 0;
    }

    /// <summary>The composite peer in a process of its own, whose allocator nothing was told.</summary>
    public static int RunPeer(int? threads)
    {
        TorchRuntime.Initialize(new RuntimeOptions { Threads = threads, KeepLargeBuffers = false });
        using Case peer = new();
        Console.WriteLine(JsonSerializer.Serialize(1000 * Timing.BestSeconds(() => peer.CompositeLearned([Rows, Columns]))));
        return 0;
    }

    private static void FakeQuantization(List<BenchmarkRow> rows, double defaultAllocator, double copy)
    {
        using Case of = new();
        double peer = 1000 * Timing.BestSeconds(() => of.CompositeLearned([Rows, Columns]));
        double ours = 1000 * Timing.BestSeconds(() => of.Learned.Run());
        const string Learned = "LSQ forward+backward, 4096×4096, per row";
        rows.Add(new(Learned, ours, BenchmarkRow.Milliseconds, "composite, default allocator", defaultAllocator, 8));
        rows.Add(new(Learned, ours, BenchmarkRow.Milliseconds, "composite, tuned allocator", peer, 3));
        rows.Add(new(Learned, ours, BenchmarkRow.Milliseconds, "bytes that must move at copy bandwidth", 1000 * LearnedBytes / copy, 0.6));

        double standardPeer = 1000 * Timing.BestSeconds(of.CompositeStandard);
        double standard = 1000 * Timing.BestSeconds(() => of.Standard.Run());
        const string Standard = "Standard forward+backward, 4096×4096, scale from the row's range";
        rows.Add(new(Standard, standard, BenchmarkRow.Milliseconds, "composite, tuned allocator", standardPeer, 2));
        rows.Add(new(Standard, standard, BenchmarkRow.Milliseconds, "bytes that must move at copy bandwidth", 1000 * StandardBytes / copy, 0.6));

        double blockPeer = 1000 * Timing.BestSeconds(() => of.CompositeLearned([Rows, Columns / 32, 32]));
        double blocks = 1000 * Timing.BestSeconds(() => of.LearnedBlocks.Run());
        rows.Add(new("LSQ forward+backward, 4096×4096, blocks of 32", blocks, BenchmarkRow.Milliseconds, "composite, tuned allocator", blockPeer, 8));
    }

    private static double PeerMilliseconds(int? threads) => JsonSerializer.Deserialize<double>(OwnProcess.Run(threads, "composite-lsq"));

    private sealed class Case : IDisposable
    {
        private readonly Parameter _weight;
        private readonly Tensor _upstream;

        public Case()
        {
            using Generator generator = new(1);
            _weight = new Parameter(randn([Rows, Columns], generator: generator));
            _upstream = randn([Rows, Columns], generator: generator);
            Learned = new(_weight, _upstream, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize());
            LearnedBlocks = new(_weight, _upstream, new QuantGranularity.PerBlock(32), new SteVariant.LearnedStepSize());
            Standard = new(_weight, _upstream, new QuantGranularity.PerChannel(), new SteVariant.Standard());
        }

        public Quantized Learned { get; }

        public Quantized LearnedBlocks { get; }

        public Quantized Standard { get; }

        public void CompositeLearned(long[] view)
        {
            using Parameter scale = new(full([.. view[..^1], 1], 0.6f));
            Composite.LearnedStepSize(_weight, scale, _upstream, view, Bits);
        }

        public void CompositeStandard() => Composite.Standard(_weight, _upstream, Bits);

        public void Dispose()
        {
            _weight.Dispose();
            _upstream.Dispose();
        }
    }

    private sealed class Quantized(Parameter weight, Tensor upstream, QuantGranularity granularity, SteVariant estimator)
    {
        private readonly FakeQuantizer _quantizer = FakeQuantizer.Create("weight", new WeightQuantizationSpec(Bits, granularity, estimator), weight, ScaleMethod.MeanAbsolute);

        public void Run()
        {
            using DisposeScope scope = NewDisposeScope();
            _quantizer.forward(weight).backward([upstream]);
            weight.grad = null;
            if (_quantizer.LearnedParameter is { } scale)
                scale.grad = null;
        }
    }
}
