using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pique.Benchmarks.PiQuantization;
using Pique.Configuration;
using Pique.Evaluation;
using Pique.Formats;
using Pique.Models.Llama;
using Pique.Models.Rotation;
using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Benchmarks.Incoherence;

/// <summary>Models rounded as they are and rotated, and the same with outliers planted that change no output.</summary>
internal static class IncoherenceStudy
{
    private const int OutlierEvery = 64;
    private const float OutlierFactor = 16;

    private static readonly int[] Bits = [2, 3];
    private static readonly long[] Seeds = [0, 1, 2];
    private static readonly JsonSerializerOptions Layout = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Studies every model; embedding and head stay in full precision.</summary>
    /// <param name="models">Their folders.</param>
    /// <param name="text">Text file to measure on; null for the synthetic curriculum.</param>
    /// <param name="threads">Threads; null for one a processor.</param>
    /// <param name="json">Print one JSON document instead of tables.</param>
    public static int Run(IReadOnlyList<string> models, string? text, int? threads, bool json)
    {
        TorchRuntime.Initialize(new RuntimeOptions { Threads = threads });
        using IDisposable noGradients = no_grad();
        List<object> documents = [];
        foreach (string path in models)
        {
            using StudyModel study = StudyModel.Load(path, text);
            if (!json)
                Print($"\n{study.Name}\n\n| case | bits | mean μ | largest μ | SQNR dB | perplexity | KL |\n|---|---|---|---|---|---|---|");
            List<IncoherenceStudyRow> rows = [];
            foreach (IncoherenceStudyRow row in Bits.SelectMany(bits => Rows(study, bits)))
            {
                rows.Add(row);
                if (!json)
                    Print($"| {row.Case} | {row.Bits} | {row.MeanIncoherence:F2} | {row.LargestIncoherence:F2} | {row.SqnrDecibels:F2} | {row.Perplexity:F3} | {row.TeacherDivergence:F4} |");
            }

            documents.Add(new { model = study.Name, rows });
        }

        if (json)
            Console.WriteLine(JsonSerializer.Serialize(new { benchmark = "incoherence", threads = TorchRuntime.Report.Threads, models = documents }, Layout));
        return 0;
    }

    private static IEnumerable<IncoherenceStudyRow> Rows(StudyModel study, int bits)
    {
        using (LoadedModel plain = Load(study, isPlanted: false))
            yield return Measure(study, plain.Model, bits, "as it is");
        foreach (long seed in Seeds)
            yield return Rotated(study, bits, isPlanted: false, seed, string.Create(CultureInfo.InvariantCulture, $"rotated, seed {seed}"));
        using (LoadedModel planted = Load(study, isPlanted: true))
            yield return Measure(study, planted.Model, bits, "outliers planted");
        yield return Rotated(study, bits, isPlanted: true, Seeds[0], "outliers planted, rotated");
    }

    private static IncoherenceStudyRow Rotated(StudyModel study, int bits, bool isPlanted, long seed, string name)
    {
        using LoadedModel source = Load(study, isPlanted);
        using LlamaModel rotated = IncoherenceRotation.Apply(source.Model, seed);
        return Measure(study, rotated, bits, name);
    }

    private static LoadedModel Load(StudyModel study, bool isPlanted)
    {
        LoadedModel loaded = ModelLoader.Load(study.Recipe.Model);
        if (isPlanted)
        {
            foreach (LlamaBlock block in loaded.Model.Backbone.Blocks)
                PlantOutliers(block);
        }

        return loaded;
    }

    /// <summary>Makes one input channel of so many larger in every reader, and what feeds it smaller: the outputs stay what they were.</summary>
    private static void PlantOutliers(LlamaBlock block)
    {
        using DisposeScope scope = NewDisposeScope();
        LlamaAttention attention = block.Attention;
        LlamaFeedForward feedForward = block.FeedForward;
        Grow([attention.QueryProjection.Weight, attention.KeyProjection.Weight, attention.ValueProjection.Weight], block.AttentionNorm.Gain);
        Grow([feedForward.GateProjection.Weight, feedForward.UpProjection.Weight], block.FeedForwardNorm.Gain);
    }

    private static void Grow(Parameter[] readers, Parameter gain)
    {
        Tensor factors = ones_like(gain);
        factors[TensorIndex.Slice(step: OutlierEvery)] = OutlierFactor;
        foreach (Parameter reader in readers)
            reader.mul_(factors);
        gain.div_(factors);
    }

    private static IncoherenceStudyRow Measure(StudyModel study, LlamaModel model, int bits, string name)
    {
        using DisposeScope scope = NewDisposeScope();
        QuantizationPolicy policy = QuantizationPolicy.From(study.Recipe with { Qat = QatConfig.WithBits(bits) with { SteVariant = new SteVariant.LearnedStepSize() } });
        var layers = model.QuantizableLayers.Where(entry => policy.SpecFor(entry.Name) is not null).ToList();
        double[] incoherence = [.. layers.Select(entry => Numerics.Incoherence.Measure(entry.Layer.Weight))];
        Tensor original = cat([.. layers.Select(entry => entry.Layer.Weight.reshape(-1))]);
        Dictionary<string, GroupScales> scales = layers.ToDictionary(entry => entry.Name, entry => Scales(entry.Layer.Weight, policy.Base.Grid));
        ModelQuantizer.Prepare(layers, name => policy.SpecFor(name)!, scales);
        Tensor rounded = cat([.. layers.Select(entry => entry.Layer.EffectiveWeight().reshape(-1))]);
        LanguageModelQuality quality = LanguageModelEvaluator.Evaluate(model, study.Data.HeldOut.Batches(epoch: 0), study.Data.HeldOutBytes, study.Teacher.Model);
        return new(bits, name, incoherence.Average(), incoherence.Max(), QuantizationError.Measure(original, rounded).SqnrDecibels, quality.Perplexity, quality.Teacher!.KlDivergence);
    }

    private static GroupScales Scales(Tensor weight, CodeGrid grid) =>
        ScaleSearch.Find(weight, GroupLayout.For(new QuantGranularity.PerChannel(), weight.shape[0], weight.shape[1]), grid, ScaleMethod.MinimumError);

    private static void Print(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
