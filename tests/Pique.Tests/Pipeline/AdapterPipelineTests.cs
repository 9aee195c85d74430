using System.Text.Json.Nodes;
using Pique.Adapters;
using Pique.Calibration;
using Pique.Configuration;
using Pique.Formats;
using Pique.Formats.Safetensors;
using Pique.Formats.Verification;
using Pique.Models.Llama;
using Pique.Models.Rotation;
using Pique.Numerics;
using Pique.Pipeline;
using Pique.Quantization;
using Pique.Tests.Quantization;
using TorchSharp;

namespace Pique.Tests.Pipeline;

public sealed class AdapterPipelineTests : IDisposable
{
    private static readonly LoraRecipe Lora = new() { Rank = new LoraRank.Fixed(4), Alpha = 8 };

    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData(FrozenStorage.Bfloat16, false)]
    [InlineData(FrozenStorage.Int8, false)]
    [InlineData(FrozenStorage.Bfloat16, true)]
    [InlineData(FrozenStorage.Int8, true)]
    public void The_model_that_ships_is_the_adapter_merged_into_its_base(FrozenStorage storage, bool rotated)
    {
        Recipe recipe = MicroData.Recipe(_temporary) with { Lora = Lora with { Base = storage } };
        recipe = recipe with { Qat = recipe.Qat with { UseIncoherence = rotated } };

        QatRunResult result = Run(recipe, "run");

        Assert.Equal(4, result.Steps);
        Assert.Equal(["teacher", "ptq", "qat"], result.Scores.Select(score => score.Name));
        using LoadedModel shipped = ModelLoader.Load(result.ModelFolder);
        Assert.Equal(shipped.Digest, result.ModelDigest);

        using AdapterRun run = AdapterRun.Open(_temporary.File("run"));
        IReadOnlyDictionary<string, QuantizedTensor> packed = run.Adapted.Merge();

        Assert.Equal(ModelDigest.Compute(run.Adapted.Model), result.TeacherDigest);
        Assert.Equal(7, run.Adapted.Adapters.Count);
        Assert.Equal(rotated ? 9 : 8, packed.Count);
        Assert.Equal(shipped.Quantized.Keys.Order(), packed.Keys.Order());
        Assert.All(packed, entry => Assert.Equal(QuantizationCases.Bits(entry.Value.DequantizeToArray()), QuantizationCases.Bits(shipped.Quantized[entry.Key].DequantizeToArray())));
        Assert.NotEqual(0, run.Adapted.Adapters.Sum(entry => entry.Adapter.B.detach().abs().sum().ToDouble()));
    }

    [Fact]
    public void A_run_that_trained_no_adapters_or_whose_model_has_changed_is_not_opened()
    {
        Recipe recipe = MicroData.Recipe(_temporary);
        Run(recipe, "whole");
        string path = _temporary.File("whole/recipe.json");
        Assert.Equal(
            $"{path}: found a recipe without adapters, expected one with \"lora\"; name the folder of a run that trained adapters.",
            Assert.Throws<InputException>(() => AdapterRun.Open(_temporary.File("whole"))).Message);

        Run(recipe with { Lora = Lora }, "run");
        MicroData.WriteModel(_temporary, "base", seed: 6);
        Assert.Contains("the adapter was trained on a base of SHA-256", Assert.Throws<InputException>(() => AdapterRun.Open(_temporary.File("run"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_adapter_alone_is_merged_into_a_model_that_is_loaded_frozen()
    {
        Recipe recipe = MicroData.Recipe(_temporary) with { Lora = Lora };
        Run(recipe, "run");
        string folder = _temporary.File("run/adapter");
        File.Delete(Path.Combine(folder, "pique_adapter.json")); // As PEFT leaves one.
        File.Delete(Path.Combine(folder, "pique_quantizers.safetensors"));

        using LoadedModel model = ModelLoader.LoadFrozen(recipe.Model, FrozenStorage.Bfloat16);
        using AdaptedModel adapted = AdapterFolder.Load(folder, model.Model);
        ModelQuantizer.Prepare(model.Model.QuantizableLayers, QuantizationPolicy.From(QatConfig.PiQ3, LayerOverride.Defaults).SpecFor, ScaleMethod.MinimumError);
        IReadOnlyDictionary<string, QuantizedTensor> packed = adapted.Merge();

        Assert.Equal(8, packed.Count);
        Assert.All(model.Model.QuantizableLayers, entry =>
            Assert.Equal(QuantizationCases.Bits(entry.Layer.WeightQuantizer!.forward(entry.Layer.LatentWeight()).detach()), QuantizationCases.Bits(packed[entry.Name].DequantizeToArray())));
    }

    [Theory]
    [InlineData(CalibrationMethod.Percentile)]
    [InlineData(CalibrationMethod.Entropy)]
    public void Scales_of_layers_with_adapters_and_without_are_found_by_the_method_of_the_recipe(CalibrationMethod method)
    {
        Recipe recipe = MicroData.Recipe(_temporary) with
        {
            ActivationBits = 6,
            Lora = Lora with { TargetModules = new LoraTargets.Named(["q_proj"]) },
            Calibration = new() { Method = method, Percentile = 0.9f },
        };

        QatRunResult result = Run(recipe, "run");

        using LoadedModel source = ModelLoader.LoadFrozen(recipe.Model, FrozenStorage.Bfloat16), shipped = ModelLoader.Load(result.ModelFolder);
        WeightScales search = new(method, 0.9f);
        QuantizationPolicy policy = QuantizationPolicy.From(recipe);
        using CalibrationArtifact calibration = CalibrationPhase.Load(_temporary.File("run/calibration.json"), recipe, source.Digest);
        Assert.Equal((source.Digest, method, 6), (calibration.ModelDigest, calibration.Method, calibration.ActivationBits));
        foreach ((string name, IQuantizableLayer layer) in source.Model.QuantizableLayers)
        {
            QuantizedTensor expected = search.Round(name, policy.SpecFor(name)!, layer.Frozen!.Base);
            if (name.EndsWith("q_proj", StringComparison.Ordinal))
                Assert.Equal(Enumerable.Range(0, 16).Select(row => expected.ScaleOf(row)), Assert.Single(calibration.Tensors).Value.Scales);
            else
                Assert.Equal(QuantizationCases.Bits(expected.DequantizeToArray()), QuantizationCases.Bits(shipped.Quantized[name].DequantizeToArray()));
        }
    }

    [Fact]
    public void A_teacher_of_its_own_is_measured_turned_and_frozen_and_its_source_is_freed()
    {
        Recipe recipe = MicroData.Recipe(_temporary) with { Teacher = MicroData.WriteModel(_temporary, "teacher", seed: 9), Lora = Lora with { Base = FrozenStorage.Int8 } };
        recipe = recipe with { Qat = recipe.Qat with { UseIncoherence = true } };

        QatRunResult result = Run(recipe, "run");

        using LoadedModel source = QatPipeline.Load(recipe.Teacher!, recipe);
        using LlamaModel turned = IncoherenceRotation.Apply(source.Model, recipe.Training.Seed, storage: FrozenStorage.Int8);
        PreparedData data = PreparedData.Create(PreparedData.Divide(recipe.Data), source.Tokenizer, recipe.Data.ContextTokens, recipe.Training);
        Assert.Equal(ModelDigest.Compute(turned), result.TeacherDigest);
        Assert.Equal(HeldOutEvaluation.Loss(turned, data, TestContext.Current.CancellationToken), result.Scores[0].Quality.LossNats);
        Assert.NotEqual(HeldOutEvaluation.Loss(source.Model, data, TestContext.Current.CancellationToken), result.Scores[0].Quality.LossNats);

        QatPipeline.Release(source, source.Model, recipe);
        QatPipeline.Release(source, turned, recipe with { Lora = null });
        Assert.False(source.Model.Backbone.FinalNorm.Gain.IsInvalid);
        QatPipeline.Release(source, turned, recipe);
        Assert.True(source.Model.Backbone.FinalNorm.Gain.IsInvalid);
    }

    [Theory]
    [InlineData(FrozenStorage.Bfloat16)]
    [InlineData(FrozenStorage.Int8)]
    public void The_exported_file_has_the_merged_weights_bit_for_bit_and_the_run_verifies(FrozenStorage storage)
    {
        Recipe recipe = MicroData.Recipe(_temporary) with
        {
            Model = MicroData.WriteModel(_temporary, "wide", change: config => config with { HiddenSize = 32, IntermediateSize = 64, HeadSize = 32, KeyValueHeadCount = 2 }),
            Lora = Lora with { Base = storage },
        };
        recipe = recipe with { Qat = recipe.Qat with { Granularity = new QuantGranularity.PerBlock(32) } };

        QatRunResult result = Run(recipe, "run");

        Assert.True(result.Gguf!.IsExact);
        using LoadedModel shipped = ModelLoader.Load(result.ModelFolder), exported = ModelLoader.Load(result.Gguf.Path);
        Assert.Equal(shipped.Digest, exported.Digest);
        VerificationReport report = ModelVerifier.Verify(_temporary.File("run"));
        Assert.True(report.IsSound);
        Assert.Contains(report.Items, item => item.File == "adapter/adapter_model.safetensors" && item.Name.EndsWith("q_proj.lora_A.weight", StringComparison.Ordinal));
        Assert.Equal(4, report.Items.Select(item => item.File).Where(file => file.StartsWith("adapter/", StringComparison.Ordinal)).Distinct().Count());
    }

    [Fact]
    public void A_run_interrupted_and_resumed_ends_with_the_files_of_one_that_ran_through()
    {
        Recipe recipe = MicroData.Recipe(_temporary) with { Lora = Lora with { Dropout = 0.25f } };
        Run(recipe, "whole");
        using CancellationTokenSource interruption = new();
        QatPipeline interrupted = new(TimeProvider.System);
        interrupted.Reported += happening =>
        {
            if (happening is PipelineEvent.Trained { Event: Pique.Training.TrainingEvent.StepCompleted { Metrics.Step: 2 } })
                interruption.Cancel();
        };
        Assert.Null(interrupted.Run(recipe, _temporary.File("broken"), resume: false, interruption.Token));

        Run(recipe, "broken", resume: true);

        foreach (string folder in (string[])["model", "adapter"])
            Assert.Equal(MicroData.Files(_temporary.File($"whole/{folder}")), MicroData.Files(_temporary.File($"broken/{folder}")));
    }

    [Fact]
    public void The_base_of_a_packed_model_is_its_codes()
    {
        Recipe first = MicroData.Recipe(_temporary);
        QatRunResult packed = Run(first, "first");
        Recipe recipe = first with { Model = packed.ModelFolder, Teacher = first.Model, Lora = Lora };

        QatRunResult result = Run(recipe, "second");

        using LoadedModel before = ModelLoader.Load(packed.ModelFolder), teacher = ModelLoader.LoadFrozen(first.Model, FrozenStorage.Bfloat16), after = ModelLoader.Load(result.ModelFolder);
        Assert.Equal(before.Digest, JsonNode.Parse(File.ReadAllText(_temporary.File("second/adapter/pique_adapter.json")))!["base_sha256"]!.GetValue<string>());
        Assert.Equal(ModelDigest.Compute(teacher.Model), result.TeacherDigest);
        Assert.Equal(before.Quantized.Keys.Order(), after.Quantized.Keys.Order());
        Assert.Equal(before.Quantized["model.embed_tokens"].DequantizeToArray(), after.Quantized["model.embed_tokens"].DequantizeToArray());
    }

    [Fact]
    public void Without_distillation_there_is_no_teacher_and_the_base_is_still_measured()
    {
        Recipe recipe = MicroData.Recipe(_temporary) with { Lora = Lora };
        recipe = recipe with { Qat = recipe.Qat with { UseDistillation = false } };

        QatRunResult result = Run(recipe, "run");

        Assert.Null(result.TeacherDigest);
        Assert.True(result.Scores[0].Quality.LossNats > 0);
        Assert.Null(result.Scores[2].Quality.Teacher);
    }

    [Fact]
    public void Activations_are_quantized_in_layers_with_adapters_and_without_but_not_for_the_teacher()
    {
        Recipe recipe = MicroData.Recipe(_temporary) with { Lora = Lora with { TargetModules = new LoraTargets.Named(["q_proj", "down_proj"]) } };
        recipe = recipe with { Qat = recipe.Qat with { Granularity = new QuantGranularity.PerToken() } };

        QatRunResult result = Run(recipe, "run");

        using LoadedModel shipped = ModelLoader.Load(result.ModelFolder);
        Assert.All(shipped.Model.QuantizableLayers.Where(entry => entry.Layer is QuantizedLinear), entry => Assert.Equal(8, ((QuantizedLinear)entry.Layer).ActivationQuantizer!.Bits));
        using SafetensorsFile adapter = SafetensorsFile.Open(_temporary.File("run/adapter/adapter_model.safetensors"));
        Assert.Equal(4, adapter.Tensors.Count);
    }

    [Fact]
    public void A_rank_that_was_left_open_is_told()
    {
        List<string> warnings = [];
        Run(MicroData.Recipe(_temporary) with { Lora = Lora with { Rank = new LoraRank.Auto() } }, "run", warnings: warnings);

        Assert.Contains("lora.rank: auto, which became 8, the greatest of 16, 8, 4 that no adapted weight is too small for.", warnings);
        Assert.Equal(8, JsonNode.Parse(File.ReadAllText(_temporary.File("run/adapter/adapter_config.json")))!["r"]!.GetValue<int>());
    }

    [Fact]
    public void Adapters_on_layers_in_full_precision_are_refused()
    {
        Recipe recipe = MicroData.Recipe(_temporary) with
        {
            Lora = Lora,
            Overrides = [.. LayerOverride.Defaults, new LayerOverride { Pattern = "*v_proj", FullPrecision = true }],
        };

        InputException error = Assert.Throws<InputException>(() => Run(recipe, "run"));

        Assert.Equal(
            "lora.target_modules: found adapters on layers that overrides keep in full precision (model.layers.0.self_attn.v_proj), expected a quantizer around every adapter; leave these layers out of target_modules or out of the overrides.",
            error.Message);
    }

    [Fact]
    public void A_layer_in_full_precision_without_an_adapter_ships_as_it_is_held()
    {
        Recipe recipe = MicroData.Recipe(_temporary) with
        {
            Lora = Lora with { TargetModules = new LoraTargets.Named(["q_proj"]) },
            Overrides = [.. LayerOverride.Defaults, new LayerOverride { Pattern = "*v_proj", FullPrecision = true }],
        };

        QatRunResult result = Run(recipe, "run");

        using LoadedModel source = ModelLoader.LoadFrozen(recipe.Model, FrozenStorage.Bfloat16), shipped = ModelLoader.Load(result.ModelFolder);
        IQuantizableLayer held = source.Model.Backbone.Blocks[0].Attention.ValueProjection;
        Assert.Equal(QuantizationCases.Bits(held.LatentWeight()), QuantizationCases.Bits(shipped.Model.Backbone.Blocks[0].Attention.ValueProjection.Weight.detach()));
    }

    private QatRunResult Run(Recipe recipe, string folder, bool resume = false, List<string>? warnings = null)
    {
        QatPipeline pipeline = new(TimeProvider.System);
        pipeline.Reported += happening =>
        {
            if (happening is PipelineEvent.Warned warned)
                warnings?.Add(warned.Message);
        };
        return pipeline.Run(recipe, _temporary.File(folder), resume, TestContext.Current.CancellationToken)!;
    }
}
