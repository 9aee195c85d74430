using Pique.Calibration;
using Pique.Configuration;
using Pique.Data;
using Pique.Formats;
using Pique.Models.Llama;
using Pique.Quantization;
using Pique.Tests.Formats;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Calibration;

public sealed class CalibrationRunTests : IDisposable
{
    private readonly LlamaModel _model = TinyLlama.Create(TinyLlama.Tied);
    private readonly Recipe _recipe = new() { Qat = new QatConfig { Bits = 3, SteVariant = new SteVariant.LearnedStepSize() }, Training = new() { Seed = 5 }, Calibration = new() { Method = CalibrationMethod.Gptq } };

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData(CalibrationMethod.Rtn)]
    [InlineData(CalibrationMethod.Percentile)]
    [InlineData(CalibrationMethod.Mse)]
    [InlineData(CalibrationMethod.Entropy)]
    [InlineData(CalibrationMethod.Gptq)]
    public void Every_method_records_all_that_is_needed_to_find_it_again(CalibrationMethod method)
    {
        string before = ModelDigest.Compute(_model);
        using CalibrationArtifact artifact = Run(_recipe with { Calibration = new() { Method = method } }, Samples());

        Assert.Equal((method, 5L, "digest", _recipe.Qat, 8), (artifact.Method, artifact.Seed, artifact.ModelDigest, artifact.Config, artifact.ActivationBits));
        Assert.Equal(Samples().Digest, artifact.DatasetDigest);
        Assert.Equal(new Dictionary<DataDomain, int> { [DataDomain.General] = 20 }, artifact.SampleCounts);
        Assert.Equal(_model.QuantizableLayers.Select(layer => layer.Name), artifact.Tensors.Select(entry => entry.Key));
        Assert.Equal(_model.QuantizableLayers.Where(layer => layer.Layer is QuantizedLinear).Select(layer => layer.Name), artifact.Activations.Select(entry => entry.Key));
        Assert.Equal(method == CalibrationMethod.Gptq, artifact.RoundedWeights is not null);
        Assert.Equal(before, ModelDigest.Compute(_model));
        Assert.All(artifact.Activations, entry => AssertOrdered(entry.Value));
    }

    [Fact]
    public void Layers_that_read_the_same_input_have_the_same_ranges()
    {
        using CalibrationArtifact artifact = Run(_recipe with { Calibration = new() { Method = CalibrationMethod.Mse } }, Samples());
        Dictionary<string, CalibratedActivation> inputs = artifact.Activations.ToDictionary();
        Assert.Equal(inputs["model.layers.0.self_attn.q_proj"], inputs["model.layers.0.self_attn.v_proj"]);
        Assert.Equal(inputs["model.layers.1.mlp.gate_proj"], inputs["model.layers.1.mlp.up_proj"]);
        Assert.NotEqual(inputs["model.layers.0.self_attn.q_proj"], inputs["model.layers.0.self_attn.o_proj"]);
        Assert.Equal(Samples().Rows.Statistics.Tokens, inputs["model.layers.0.mlp.down_proj"].TokenCount);
    }

    [Fact]
    public void Weighted_errors_follow_the_inputs_and_are_left_out_without_data()
    {
        CalibrationRecipe mse = new() { Method = CalibrationMethod.Mse, Weighted = true };
        using CalibrationArtifact weighted = Run(_recipe with { Calibration = mse }, Samples());
        using CalibrationArtifact alike = Run(_recipe with { Calibration = mse with { Weighted = false } }, Samples());
        using CalibrationArtifact without = Run(_recipe with { Calibration = mse }, null);

        Assert.Equal((true, false, false), (weighted.Weighted, alike.Weighted, without.Weighted));
        Assert.Equal(Scales(alike), Scales(without));
        Assert.NotEqual(Scales(weighted), Scales(without));
        Assert.Null(without.DatasetDigest);
        Assert.Empty(without.Activations);
    }

    [Fact]
    public void Second_order_rounding_weighs_errors_unless_stated()
    {
        using CalibrationArtifact unsaid = Run(_recipe, Samples());
        using CalibrationArtifact weighted = Run(_recipe with { Calibration = _recipe.Calibration with { Weighted = true } }, Samples());
        using CalibrationArtifact alike = Run(_recipe with { Calibration = _recipe.Calibration with { Weighted = false } }, Samples());

        Assert.Equal((true, true, false), (unsaid.Weighted, weighted.Weighted, alike.Weighted));
        Assert.Equal(Scales(weighted), Scales(unsaid));
        Assert.NotEqual(Scales(alike), Scales(unsaid));
    }

    [Theory]
    [InlineData(CalibrationMethod.Rtn)]
    [InlineData(CalibrationMethod.Percentile)]
    [InlineData(CalibrationMethod.Entropy)]
    public void A_method_that_looks_at_no_squared_errors_is_recorded_as_not_weighted(CalibrationMethod method)
    {
        using CalibrationArtifact artifact = Run(_recipe with { Calibration = new() { Method = method, Weighted = true } }, Samples());
        Assert.False(artifact.Weighted);
    }

    [Fact]
    public void Losses_measured_on_the_samples_themselves_are_warned_of()
    {
        CalibrationRequest request = Request(_recipe with { Calibration = new() }, Samples()) with { AnalyzesSensitivity = true };
        using CalibrationArtifact onSamples = CalibrationRun.Run(request with { MeasuredOn = request.Samples!.Rows }, TimeProvider.System, TestContext.Current.CancellationToken);
        using CalibrationArtifact onOthers = CalibrationRun.Run(request with { MeasuredOn = Samples().Rows }, TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.Equal(
            "calibration samples: no record of the training data is left that is no sample, so the rise of the loss was measured on the samples themselves. Give more data, or lower calibration.samples.",
            Assert.Single(onSamples.Warnings));
        Assert.Empty(onOthers.Warnings);
    }

    [Fact]
    public void Bits_that_are_left_open_are_divided_within_their_average()
    {
        Recipe recipe = _recipe with
        {
            Calibration = new() { Method = CalibrationMethod.Mse },
            Overrides = [new() { Pattern = "*self_attn*", AverageBits = 3 }, new() { Pattern = "*mlp*", AverageBits = 4.5f }],
        };
        using CalibrationArtifact artifact = Run(recipe, Samples());

        AssertAverage("self_attn", 2.5, 3);
        AssertAverage("mlp", 4, 4.5);
        Assert.Equal(14, artifact.Sensitivity.Count);
        Assert.All(artifact.Sensitivity, layer => Assert.Equal(artifact.Tensors.ToDictionary()[layer.Name].Bits, layer.ChosenBits));
        Assert.All(artifact.Sensitivity, layer => Assert.Equal(layer.Name.Contains("mlp", StringComparison.Ordinal) ? new BitAverage("*mlp*", 4.5f) : new("*self_attn*", 3), layer.Average));
        Assert.Equal(3, artifact.Tensors.ToDictionary()["model.embed_tokens"].Bits);
        artifact.Prepare(_model.QuantizableLayers, artifact.Resolve(QuantizationPolicy.From(recipe), _model.QuantizableLayers).SpecFor);
        Assert.All(_model.QuantizableLayers, layer => Assert.Equal(artifact.Tensors.ToDictionary()[layer.Name].Bits, layer.Layer.WeightQuantizer!.Spec.Bits));

        void AssertAverage(string part, double least, double most)
        {
            CalibratedTensor[] tensors = [.. artifact.Tensors.Where(entry => entry.Key.Contains(part, StringComparison.Ordinal)).Select(entry => entry.Value)];
            Assert.InRange(tensors.Sum(tensor => tensor.Rows * tensor.Columns * tensor.Bits) / (double)tensors.Sum(tensor => tensor.Rows * tensor.Columns), least, most);
        }
    }

    [Fact]
    public void Rounded_weights_are_restored_from_their_file_bit_for_bit()
    {
        using TemporaryFolder folder = new();
        string path = folder.File("calibration.json");
        using CalibrationArtifact artifact = Run(_recipe, Samples());
        CalibrationFile.Save(path, artifact);
        using CalibrationArtifact loaded = CalibrationFile.Load(path);

        Assert.Equal(artifact.RoundedWeights!.Keys.Order(), loaded.RoundedWeights!.Keys.Order());
        Assert.All(artifact.RoundedWeights, entry => Assert.Equal(entry.Value.data<float>().ToArray(), loaded.RoundedWeights[entry.Key].data<float>().ToArray()));
        Assert.Equal(artifact.Activations.Select(entry => entry.Key), loaded.Activations.Select(entry => entry.Key));
        Assert.All(artifact.Activations.Zip(loaded.Activations), pair => Assert.Equal(
            pair.First.Value with { RootMeanSquare = 0 }, pair.Second.Value with { RootMeanSquare = 0 }));

        File.Delete(folder.File("calibration.safetensors"));
        Assert.Equal(
            $"{folder.File("calibration.safetensors")}: no such file, expected the rounded weights that belong to {path}; keep the two side by side, or calibrate again.",
            Assert.Throws<InputException>(() => CalibrationFile.Load(path)).Message);
        File.WriteAllText(folder.File("calibration.safetensors"), "other");
        Assert.Matches(
            @"calibration\.safetensors: found SHA-256 [0-9a-f]{64}, expected [0-9a-f]{64}, as .*calibration\.json has it; the two are not of one calibration\. Calibrate again\.$",
            Assert.Throws<InputException>(() => CalibrationFile.Load(path)).Message);
    }

    [Fact]
    public void The_prepared_model_has_the_codes_of_second_order_rounding()
    {
        using CalibrationArtifact artifact = Run(_recipe, Samples());
        artifact.Prepare(_model.QuantizableLayers, QuantizationPolicy.From(_recipe).SpecFor);
        foreach ((string name, IQuantizableLayer layer) in _model.QuantizableLayers.Where(entry => artifact.RoundedWeights!.ContainsKey(entry.Name)))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor latent = artifact.RoundedWeights![name];
            Tensor scales = layer.WeightQuantizer!.CurrentScales(layer.Weight).Scales;
            Tensor expected = latent.div(scales).round().clamp(Pique.Numerics.HeldScalar.Of(-4), Pique.Numerics.HeldScalar.Of(3)).mul(scales);
            Assert.Equal(expected.data<float>().ToArray(), layer.EffectiveWeight().detach().contiguous().data<float>().ToArray());
            Assert.Equal(latent.data<float>().ToArray(), layer.Weight.detach().data<float>().ToArray());
        }
    }

    [Fact]
    public void A_model_that_computes_no_numbers_is_refused_with_record_and_layer()
    {
        using (no_grad())
            _model.Backbone.Blocks[1].FeedForward.UpProjection.Weight.fill_(Pique.Numerics.HeldScalar.Of(float.PositiveInfinity));
        InputException failure = Assert.Throws<InputException>(() => Run(_recipe, Samples()));
        Assert.StartsWith("t:1: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains("inputs that the record gives model.layers.1.mlp.down_proj are not finite, expected numbers;", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Samples_that_are_one_record_are_refused()
    {
        SourcedRecord[] records = [.. Enumerable.Range(0, 20).Select(number => new SourcedRecord(new DataRecord.Text("abcdef"), $"t:{number}"))];
        InputException failure = Assert.Throws<InputException>(() => Run(_recipe, CalibrationSamples.Select(records, new(), 0, new TinyLlama.Tokenizer(), 12)));
        Assert.Equal(
            "t:0: found the record 20 times among 20 calibration samples (t:0 again as t:1), expected no record to make up more than half of them; remove the copies, or choose other data.",
            failure.Message);
    }

    [Theory]
    [InlineData("gptq", "calibration.method: \"gptq\" looks at what enters the layers, but there is no data. Give data, or choose rtn, percentile, mse or entropy.")]
    [InlineData("auto", "calibration: the sensitivity of layers, and bits that are chosen by it, take data, but there is none. Give data, or state the bits.")]
    public void What_takes_data_is_refused_without(string what, string expected)
    {
        Recipe recipe = what == "gptq" ? _recipe : _recipe with { Calibration = new() { Method = CalibrationMethod.Mse }, Overrides = [new() { Pattern = "*", AverageBits = 3 }] };
        Assert.Equal(expected, Assert.Throws<InputException>(() => Run(recipe, null)).Message);
    }

    [Fact]
    public void Cancelling_ends_the_work_and_leaves_the_model_alone()
    {
        string before = ModelDigest.Compute(_model);
        using CancellationTokenSource cancellation = new();
        CalibrationRequest request = Request(_recipe, Samples()) with
        {
            Progress = progress =>
            {
                if (progress.Stage == CalibrationStage.Rounding)
                    cancellation.Cancel();
            },
        };
        Assert.Throws<OperationCanceledException>(() => CalibrationRun.Run(request, TimeProvider.System, cancellation.Token));
        Assert.Equal(before, ModelDigest.Compute(_model));
        Assert.All(_model.QuantizableLayers, layer => Assert.Null(layer.Layer.WeightQuantizer));
    }

    private static CalibrationSamples Samples() => CalibrationSamples.Select(
        [.. Enumerable.Range(1, 20).Select(number => new SourcedRecord(new DataRecord.Text($"{(char)('a' + number)}b{number}xyz"), $"t:{number}"))],
        new(), 0, new TinyLlama.Tokenizer(), contextTokens: 12);

    private CalibrationArtifact Run(Recipe recipe, CalibrationSamples? samples) =>
        CalibrationRun.Run(Request(recipe, samples), TimeProvider.System, TestContext.Current.CancellationToken);

    private CalibrationRequest Request(Recipe recipe, CalibrationSamples? samples) => new() { Model = _model, ModelDigest = "digest", Recipe = recipe, Samples = samples };

    private static float[] Scales(CalibrationArtifact artifact) => [.. artifact.Tensors.SelectMany(entry => entry.Value.Scales)];

    private static void AssertOrdered(CalibratedActivation input)
    {
        Assert.All([input.Percentile, input.Mse, input.Entropy], range => Assert.InRange(range.Lowest, input.MinMax.Lowest * 1.01f, 0));
        Assert.All([input.Percentile, input.Mse, input.Entropy], range => Assert.InRange(range.Highest, 0, input.MinMax.Highest * 1.01f));
        Assert.InRange(input.RootMeanSquare, 0, Math.Max(-input.MinMax.Lowest, input.MinMax.Highest));
    }
}
