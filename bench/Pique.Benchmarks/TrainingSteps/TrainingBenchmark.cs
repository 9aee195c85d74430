using static TorchSharp.torch;

namespace Pique.Benchmarks.TrainingSteps;

/// <summary>Training steps of this library and of the same model in plain TorchSharp operations, taking turns; medians of each.</summary>
internal static class TrainingBenchmark
{
    private const int RoundsBefore = 2;
    private const double QuantizedReach = 1 / 1.04;
    private const double QuantizedBfloat16Reach = 1 / 1.08;
    private const double MemoryReach = 1 / 0.4;
    private const double PeakReach = 0.45;

    private static readonly Dictionary<string, Reach> Reaches = new() { ["A"] = new(2.8, 2.0, 1.5), ["B"] = new(3.2, 2.2, 1.6) };

    /// <summary>Measures and prints.</summary>
    /// <param name="shapes">Names of the shapes.</param>
    /// <param name="json">Print one JSON document instead of a table.</param>
    /// <param name="threads">Threads; null for one a processor.</param>
    public static int Run(IReadOnlyList<string> shapes, bool json, int? threads)
    {
        TorchRuntime.Initialize(new RuntimeOptions { Threads = threads });
        ScalarType type = EngineSteps.DefaultType();
        List<BenchmarkRow> rows = [];
        foreach (TrainingShape shape in TrainingShape.All.Where(shape => shapes.Contains(shape.Name)))
            Add(rows, shape, type, threads);
        Report.Write(json, "training", rows, null, TorchRuntime.Report);
        return 0;
    }

    private static void Add(List<BenchmarkRow> rows, TrainingShape shape, ScalarType type, int? threads)
    {
        Medians of = Measure(shape, type, threads);
        Reach reach = Reaches[shape.Name];
        string Case(string step) => $"{shape.Name}: {step}";
        void AddRow(string step, double seconds, string reference, double against, double ratio) =>
            rows.Add(new(Case(step), 1000 * seconds, BenchmarkRow.Milliseconds, reference, 1000 * against, ratio));

        string taught = $"PiQ3 step with teacher, {type}";
        AddRow("PiQ3 step, Float32", of.Quantized, "the same engine's unquantized step", of.Plain, QuantizedReach);
        AddRow("PiQ3 step, BFloat16", of.QuantizedBfloat16, "the same engine's unquantized step", of.PlainBfloat16, QuantizedBfloat16Reach);
        AddRow(taught, of.Taught, "composite PiQ3 with teacher", of.CompositeTaught, reach.Taught);
        AddRow(taught, of.Taught, "composite PiQ3 with teacher, tuned allocator", of.TunedCompositeTaught, 0);
        AddRow(taught, of.Taught, "composite plain fine-tuning", of.CompositePlain, reach.Plain);
        AddRow(taught, of.Taught, "composite plain fine-tuning, tuned allocator", of.TunedCompositePlain, reach.PlainTuned);
        if (TorchRuntime.Report.FastMath)
            AddRow(taught, of.Taught, "composite PiQ3 with teacher, TorchSharp as it comes", of.CompositeAsItComes, 0);
        AddRow(taught, of.Taught, "its matrix products alone", of.Products, 0);
        AddRow("unquantized step, Float32", of.Plain, "composite plain fine-tuning, tuned allocator", of.TunedCompositePlain, 0);

        double operations = MatrixProducts.ModelOperations(shape, taught: true) / of.Taught / 1e9;
        bool isB = shape.Name == "B";
        (ScalarType Type, double Peak)[] peaks = [.. ((ScalarType[])[ScalarType.BFloat16, ScalarType.Float32]).Select(type => (type, MatrixProducts.PeakOperationsPerSecond(type) / 1e9))];
        foreach ((ScalarType typeOfPeak, double peak) in peaks) // A processor without instructions for a type has no peak worth a share of.
            rows.Add(new(Case("model operations with teacher"), operations, BenchmarkRow.GigaflopsPerSecond, $"peak of {typeOfPeak} products", peak, isB && peak == peaks.Max(other => other.Peak) ? PeakReach : 0));

        double ours = StepMemory.Measure(shape, engine: true, threads) / 1e6, composite = StepMemory.Measure(shape, engine: false, threads) / 1e6;
        rows.Add(new(Case("peak memory of a step with teacher"), ours, BenchmarkRow.Megabytes, "composite", composite, isB ? MemoryReach : 0));
    }

    private static Medians Measure(TrainingShape shape, ScalarType type, int? threads)
    {
        using EngineSteps plain = new(shape, StepKind.Plain, ScalarType.Float32), quantized = new(shape, StepKind.Quantized, ScalarType.Float32);
        using EngineSteps plainBfloat16 = new(shape, StepKind.Plain, ScalarType.BFloat16), quantizedBfloat16 = new(shape, StepKind.Quantized, ScalarType.BFloat16);
        using EngineSteps taught = new(shape, StepKind.Taught, type);
        using CompositeSteps tunedPlain = new(shape, StepKind.Plain), tunedTaught = new(shape, StepKind.Taught);
        using StepServer defaultPlain = new(shape, StepKind.Plain, fastMath: true, threads), defaultTaught = new(shape, StepKind.Taught, fastMath: true, threads);
        using StepServer asItComes = new(shape, StepKind.Taught, fastMath: false, threads);
        using MatrixProducts.Step products = new(shape, type);
        Func<double>[] contenders =
        [
            () => Timing.SecondsOf(plain.Run),
            () => Timing.SecondsOf(quantized.Run),
            () => Timing.SecondsOf(plainBfloat16.Run),
            () => Timing.SecondsOf(quantizedBfloat16.Run),
            () => Timing.SecondsOf(taught.Run),
            () => Timing.SecondsOf(tunedPlain.Run),
            () => Timing.SecondsOf(tunedTaught.Run),
            defaultPlain.Step,
            defaultTaught.Step,
            asItComes.Step,
            () => Timing.SecondsOf(products.Run),
        ];
        double[][] seconds = [.. contenders.Select(_ => new double[shape.Rounds])];
        for (int round = -RoundsBefore; round < shape.Rounds; round++)
        {
            for (int i = 0; i < contenders.Length; i++)
            {
                double took = contenders[i]();
                if (round >= 0)
                    seconds[i][round] = took;
            }
        }

        double[] medians = [.. seconds.Select(of => of.Order().ElementAt(of.Length / 2))];
        return new(medians[0], medians[1], medians[2], medians[3], medians[4], medians[5], medians[6], medians[7], medians[8], medians[9], medians[10]);
    }

    /// <summary>Goals of the project: how many times as fast as the peer.</summary>
    private sealed record Reach(double Taught, double Plain, double PlainTuned);

    /// <summary>Median seconds of a step.</summary>
    private sealed record Medians(
        double Plain,
        double Quantized,
        double PlainBfloat16,
        double QuantizedBfloat16,
        double Taught,
        double TunedCompositePlain,
        double TunedCompositeTaught,
        double CompositePlain,
        double CompositeTaught,
        double CompositeAsItComes,
        double Products);
}
