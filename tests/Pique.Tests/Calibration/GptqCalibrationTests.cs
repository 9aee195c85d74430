using Pique.Calibration;
using Pique.Configuration;
using Pique.Data;
using Pique.Evaluation;
using Pique.Formats;
using Pique.Models.Llama;
using Pique.Pipeline;
using Pique.Quantization;
using Pique.Tests.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Calibration;

public sealed class GptqCalibrationTests
{
    private static readonly DataRecipe Curriculum = new()
    {
        Curriculum = new CurriculumRecipe { General = 24, Reasoning = 24, ToolUse = 24, Seed = 31, HeldOut = 24 },
        ContextTokens = 160,
    };

    /// <summary>Few samples and few measured records keep this short; the gap is far wider than their noise (1.23 against 1.25).</summary>
    [Fact]
    public void At_two_bits_the_embedded_model_keeps_more_than_by_rounding_to_nearest()
    {
        using LoadedModel loaded = ModelLoader.Load(EmbeddedModel.Folder);
        HeldOutSplit split = PreparedData.Divide(Curriculum);
        PreparedData data = PreparedData.Create(split, loaded.Tokenizer, Curriculum.ContextTokens, new TrainingRecipe());

        double exact = Perplexity(loaded.Model, data);
        double nearest = Quantized(CalibrationMethod.Mse, out CalibrationArtifact plain);
        double second = Quantized(CalibrationMethod.Gptq, out CalibrationArtifact rounded);

        Assert.True(exact < second && second < nearest, $"exact {exact}, gptq {second}, mse {nearest}");
        Assert.Equal(ModelDigest.Compute(loaded.Model), loaded.Digest);
        Assert.All(rounded.Tensors.Where(entry => entry.Key.Contains("layers", StringComparison.Ordinal)), entry => Assert.InRange(entry.Value.OutputSqnrDecibels!.Value, 5, 60));
        Assert.Null(plain.RoundedWeights);
        plain.Dispose();
        rounded.Dispose();

        double Quantized(CalibrationMethod method, out CalibrationArtifact artifact)
        {
            Recipe recipe = new() { Qat = new QatConfig { Bits = 2, SteVariant = new SteVariant.LearnedStepSize() }, Data = Curriculum, Calibration = new() { Method = method, Weighted = false } };
            artifact = CalibrationPhase.Run(recipe, loaded.Model, loaded, split.Train, analyzesSensitivity: false, null, TimeProvider.System, TestContext.Current.CancellationToken);
            using LoadedModel copy = ModelLoader.Load(EmbeddedModel.Folder);
            artifact.Prepare(copy.Model.QuantizableLayers, QuantizationPolicy.From(recipe).SpecFor);
            return Perplexity(copy.Model, data);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(4)]
    public void On_real_text_the_output_of_every_layer_changes_less_than_by_rounding_to_nearest(int bits)
    {
        using LoadedModel loaded = ModelLoader.Load(SharedData.PathOrSkip("models/TinyStories-656K"));
        SourcedRecord[] stories = [.. RecordReader.Read(SharedData.PathOrSkip("text/tinystories-sample.txt")).Take(24)];
        CalibrationSamples samples = CalibrationSamples.Select(stories, new(), seed: 0, loaded.Tokenizer, contextTokens: 128);
        WeightQuantizationSpec spec = new(bits, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize());
        WeightScales search = new(CalibrationMethod.Mse);

        // One layer at a time, so that both see the same inputs.
        foreach ((string name, IQuantizableLayer layer) in loaded.Model.QuantizableLayers.Where(entry => entry.Layer is QuantizedLinear))
        {
            using DisposeScope scope = NewDisposeScope();
            using InputSecondMoment moment = new(layer.Weight.shape[1]);
            Observe(loaded.Model, (QuantizedLinear)layer, samples, moment);
            IReadOnlyDictionary<string, RoundedWeight> rounded = GptqCalibration.Run(loaded.Model, candidate => candidate == name ? spec : null, new() { Weighted = false }, 8, samples, cancellationToken: TestContext.Current.CancellationToken);

            double nearest = Error(layer.Weight, search.Find(name, spec, layer.Weight, null));
            double second = Error(rounded[name].Latent, rounded[name].Scales);
            Assert.True(second < 0.85 * nearest, $"{name}: {second} against {nearest}");

            double Error(Tensor latent, Pique.Numerics.GroupScales scales)
            {
                using FakeQuantizer quantizer = FakeQuantizer.Create(name, spec, latent, scales);
                return Pique.Numerics.SecondOrderRounding.OutputError(layer.Weight, quantizer.forward(latent), moment.Mean()).Error;
            }
        }
    }

    [Fact]
    public void A_pass_that_halts_between_blocks_computes_what_the_model_computes()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Untied);
        using DisposeScope scope = NewDisposeScope();
        Tensor tokens = tensor(new long[] { 3, 1, 4, 1, 5, 9, 2, 6 }, [2, 4]);
        Tensor? seen = null;
        model.Head!.InputObserver = input => seen = input.clone().DetachFromDisposeScope();
        using BlockwisePass pass = new(model, [tokens]);
        foreach (LlamaBlock block in model.Backbone.Blocks)
        {
            pass.Run(block, 0);
            pass.Advance(block);
        }

        pass.RunHead(0);
        model.Head.InputObserver = null;

        Assert.Equal(model.HiddenStates(tokens).detach().data<float>().ToArray(), seen!.data<float>().ToArray());
    }

    [Fact]
    public void Every_layer_is_rounded_on_what_the_rounded_layers_before_it_give()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Untied);
        CalibrationSamples samples = CalibrationSamples.Select(
            [.. Enumerable.Range(0, 20).Select(number => new SourcedRecord(new DataRecord.Text($"{(char)('a' + number)}bc{number}"), $"t:{number}"))], new(), 0, new TinyLlama.Tokenizer(), contextTokens: 12);
        WeightQuantizationSpec coarse = new(2, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize());
        static bool IsLast(string name) => name.Contains("layers.1.mlp.down_proj", StringComparison.Ordinal);

        float[] alone = Latent(name => IsLast(name) ? coarse : null);
        float[] behindOthers = Latent(name => name.Contains("embed", StringComparison.Ordinal) ? null : coarse);
        float[] again = Latent(name => name.Contains("embed", StringComparison.Ordinal) ? null : coarse);

        Assert.NotEqual(alone, behindOthers);
        Assert.Equal(behindOthers, again);
        Assert.All(model.QuantizableLayers, entry => Assert.Null(entry.Layer.WeightQuantizer));
        Assert.All(model.QuantizableLayers.Select(entry => entry.Layer).OfType<QuantizedLinear>(), linear => Assert.Null(linear.InputObserver));

        float[] Latent(Func<string, WeightQuantizationSpec?> policy)
        {
            IReadOnlyDictionary<string, RoundedWeight> rounded = GptqCalibration.Run(model, policy, new(), 8, samples);
            float[] values = rounded.Single(entry => IsLast(entry.Key)).Value.Latent.data<float>().ToArray();
            foreach (RoundedWeight weight in rounded.Values)
                weight.Dispose();
            return values;
        }
    }

    [Fact]
    public void Nothing_is_left_behind_in_native_memory()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Untied);
        CalibrationSamples samples = CalibrationSamples.Select(
            [.. Enumerable.Range(0, 8).Select(number => new SourcedRecord(new DataRecord.Text($"{(char)('a' + number)}bc{number}"), $"t:{number}"))], new(), 0, new TinyLlama.Tokenizer(), contextTokens: 12);
        WeightQuantizationSpec spec = new(3, new QuantGranularity.PerBlock(4), new SteVariant.Standard(), Kind: Pique.Numerics.GridKind.Affine);
        Calibrate();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Calibrate();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Calibrate()
        {
            foreach (RoundedWeight weight in GptqCalibration.Run(model, _ => spec, new(), 8, samples).Values)
                weight.Dispose();
        }
    }

    private static void Observe(LlamaModel model, QuantizedLinear linear, CalibrationSamples samples, InputSecondMoment moment)
    {
        using IDisposable noGradient = no_grad();
        foreach (TokenBatch batch in samples.Rows.Batches(0))
        {
            using DisposeScope scope = NewDisposeScope();
            using Tensor places = TokenPlaces.Of(batch);
            linear.InputObserver = input => moment.Add(TokenPlaces.Select(input, places));
            model.Logits(model.HiddenStates(batch.Inputs));
            linear.InputObserver = null;
            batch.Dispose();
        }
    }

    private static double Perplexity(LlamaModel model, PreparedData data)
    {
        using IDisposable held = ModelQuantizer.HoldWeights(model.QuantizableLayers);
        return LanguageModelEvaluator.Evaluate(model, data.HeldOut.Batches(0), data.HeldOutBytes, null, TestContext.Current.CancellationToken).Perplexity;
    }
}
