using System.Globalization;
using Pique.Calibration;
using Pique.Configuration;
using Pique.Evaluation;
using Pique.Formats;
using Pique.Models.Llama;
using Pique.Models.Rotation;
using Pique.Numerics;
using Pique.Objectives;
using Pique.Pipeline;
using Pique.Quantization;
using Pique.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Pipeline;

public sealed class QatPipelineTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();
    private readonly List<PipelineEvent> _events = [];

    private string Folder => _temporary.File("run");

    /// <summary>Recipes that take every way through the pipeline.</summary>
    public static TheoryData<string> Ways => ["learned scales", "affine blocks", "half-integers", "two-level blocks", "signed EWGS with dampening", "k per channel", "pi grid with incoherence", "quantized activations", "no distillation", "learning teacher", "kept teacher outputs", "states in fewer bytes"];

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_run_resumed_with_less_memory_for_a_step_ends_in_the_same_bytes()
    {
        Recipe recipe = RecipeFor("learned scales");
        QatRunResult whole = Run(recipe, folder: _temporary.File("whole"))!;
        using CancellationTokenSource inTraining = new();

        Assert.Null(Run(recipe, cancelAt: happening => happening is PipelineEvent.Trained { Event: TrainingEvent.StepCompleted { Metrics.Step: 2 } }, cancellation: inTraining));
        QatRunResult resumed = Run(recipe with { Training = recipe.Training with { GradientCheckpointing = true } }, resume: true)!;

        Assert.Equal(MicroData.Files(whole.ModelFolder), MicroData.Files(resumed.ModelFolder));
        Assert.DoesNotContain(_events.OfType<PipelineEvent.Warned>(), warning => warning.Message.Contains("as the run began", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void What_is_measured_and_shipped_is_what_training_saw(string way)
    {
        Recipe recipe = RecipeFor(way);

        QatRunResult result = Run(recipe)!;

        Assert.Equal(["teacher", "ptq", "qat"], result.Scores.Select(score => score.Name));
        Assert.Equal(
            [".lock", "calibration.json", "checkpoints", "metrics.jsonl", "model", "model.gguf", "recipe.json", "report.html"],
            Directory.EnumerateFileSystemEntries(Folder).Select(Path.GetFileName).Order());
        Assert.Equal((4, 0), (result.Steps, result.SkippedSteps));
        Assert.Equal(recipe.Qat.UseDistillation, result.TeacherDigest is not null);
        Assert.Equal(RecipeJson.Write(recipe), File.ReadAllText(Path.Combine(Folder, "recipe.json")));
        Assert.Equal(4, File.ReadLines(Path.Combine(Folder, "metrics.jsonl")).Count());
        Assert.All(result.Scores.Skip(1), score => Assert.Equal(recipe.Qat.UseDistillation, score.Quality.Teacher is not null));
        Assert.All(result.Scores, score => Assert.Equal((result.Scores[0].Reasoning!.Total, result.Scores[0].ToolCalls!.Total), (score.Reasoning!.Total, score.ToolCalls!.Total)));

        using LoadedModel shipped = ModelLoader.Load(result.ModelFolder);
        Assert.Equal(shipped.Digest, result.ModelDigest);
        using LoadedModel original = ModelLoader.Load(recipe.Model);
        using LlamaModel? rotated = recipe.Qat.UseIncoherence ? IncoherenceRotation.Apply(original.Model, recipe.Training.Seed) : null;
        LlamaModel student = rotated ?? original.Model;
        Restore(student, recipe, step: 4);
        AssertSameModel(student, shipped.Model);
        AssertScoreOf(student, recipe, original.Tokenizer, result.Scores[2]);
    }

    [Theory]
    [InlineData("learned scales")]
    [InlineData("half-integers")]
    [InlineData("two-level blocks")]
    [InlineData("k per channel")]
    [InlineData("states in fewer bytes")]
    public void A_run_interrupted_and_resumed_gives_the_same_bytes(string way)
    {
        Recipe recipe = RecipeFor(way);
        recipe = recipe with { Training = recipe.Training with { ComputeType = ComputeType.Float32 } }; // Two runs may measure two types to be the faster.
        QatRunResult whole = Run(recipe, folder: _temporary.File("whole"))!;
        using CancellationTokenSource inTraining = new(), inBaseline = new();

        Assert.Null(Run(recipe, cancelAt: happening => happening is PipelineEvent.Scored { Score.Name: "teacher" }, cancellation: inBaseline));
        Assert.Equal([".lock", "calibration.json", "recipe.json"], Directory.EnumerateFileSystemEntries(Folder).Select(Path.GetFileName).Order());
        Assert.Null(Run(recipe, resume: true, cancelAt: happening => happening is PipelineEvent.Trained { Event: TrainingEvent.StepCompleted { Metrics.Step: 3 } }, cancellation: inTraining));
        Assert.False(Directory.Exists(Path.Combine(Folder, "model")));
        QatRunResult resumed = Run(recipe, resume: true)!;

        Assert.Contains(new PipelineEvent.Trained(new TrainingEvent.Resumed(3, Path.Combine(Folder, "checkpoints", "step-000003"))), _events);
        Assert.Equal(MicroData.Files(whole.ModelFolder), MicroData.Files(resumed.ModelFolder));
        Assert.Equal(whole.Scores, resumed.Scores);
        Assert.Equal(4, File.ReadLines(Path.Combine(Folder, "metrics.jsonl")).Count());
    }

    [Fact]
    public void The_weights_with_the_lowest_held_out_loss_ship_where_the_recipe_keeps_them()
    {
        Recipe recipe = MicroData.Recipe(_temporary);
        // A rate at which the loss soon rises again.
        recipe = recipe with { Training = recipe.Training with { EvaluateEverySteps = 1, KeepBest = true, CheckpointSteps = 1, KeepCheckpoints = 4, WeightLearningRate = 3f, ScheduleWarmupSteps = 3 } };

        QatRunResult result = Run(recipe)!;

        TrainingEvent.Evaluated[] evaluated = [.. _events.OfType<PipelineEvent.Trained>().Select(happening => happening.Event).OfType<TrainingEvent.Evaluated>()];
        Assert.Equal([1, 2, 3, 4], evaluated.Select(happening => happening.Step));
        TrainingEvent.Evaluated best = evaluated.MinBy(happening => happening.HeldOutLoss)!;
        Assert.NotEqual(4, best.Step);
        Assert.Equal((4, best.Step, best.HeldOutLoss), (result.Steps, result.FinalStep, result.BestHeldOutLoss!.Value));
        Assert.Equal(best.HeldOutLoss, result.Scores[2].Quality.LossNats);

        using LoadedModel shipped = ModelLoader.Load(result.ModelFolder);
        using LoadedModel student = ModelLoader.Load(recipe.Model);
        Restore(student.Model, recipe, best.Step);
        AssertSameModel(student.Model, shipped.Model);
    }

    [Theory]
    [InlineData("half-integers", GridKind.HalfInteger, false)]
    [InlineData("two-level blocks", GridKind.TwosComplement, true)]
    public void The_model_that_ships_is_on_the_recipes_grid(string way, GridKind kind, bool twoLevelScales)
    {
        using LoadedModel shipped = ModelLoader.Load(Run(RecipeFor(way))!.ModelFolder);

        Assert.All(shipped.Quantized, entry => Assert.Equal(
            entry.Key.Contains("layers", StringComparison.Ordinal) ? (kind, twoLevelScales) : (GridKind.TwosComplement, false),
            (entry.Value.Grid.Kind, entry.Value.SubScales is not null)));
        Assert.Contains(shipped.Quantized.Keys, name => name.Contains("layers", StringComparison.Ordinal));
    }

    [Fact]
    public void A_finished_run_can_be_resumed_to_write_its_model_again_but_not_with_other_data()
    {
        Recipe recipe = MicroData.Recipe(_temporary);
        QatRunResult first = Run(recipe)!;
        Dictionary<string, byte[]> written = MicroData.Files(first.ModelFolder);
        Directory.Delete(first.ModelFolder, recursive: true);

        QatRunResult again = Run(recipe, resume: true)!;

        Assert.Equal(written, MicroData.Files(again.ModelFolder));
        Assert.Equal(first.Scores, again.Scores);

        string path = recipe.Data.Files[0].Path;
        File.WriteAllText(path, File.ReadAllText(path).Replace("a tale", "a poem", StringComparison.Ordinal));
        InputException failure = Assert.Throws<InputException>(() => Run(recipe, resume: true));
        Assert.Matches("step-000004: the checkpoint is of another run: .*configuration digest ", failure.Message);
    }

    [Fact]
    public void Teacher_outputs_are_kept_in_the_run_folder_or_shared_by_runs()
    {
        Recipe recipe = MicroData.Recipe(_temporary);
        Recipe own = recipe with { Training = recipe.Training with { TeacherCache = new() { TopK = 6 } } };
        Recipe shared = RecipeFor("kept teacher outputs");

        QatRunResult first = Run(own)!;
        Assert.NotEmpty(_events.OfType<PipelineEvent.TeacherOutputsKept>());
        Assert.True(TeacherCache.Exists(Path.Combine(Folder, QatPipeline.TeacherOutputsFolderName)));
        QatRunResult second = Run(shared, folder: _temporary.File("second"))!;
        Assert.NotEmpty(_events.OfType<PipelineEvent.TeacherOutputsKept>());
        QatRunResult third = Run(shared, folder: _temporary.File("third"))!;
        Assert.Empty(_events.OfType<PipelineEvent.TeacherOutputsKept>());
        Assert.Equal(MicroData.Files(first.ModelFolder), MicroData.Files(second.ModelFolder));
        Assert.Equal(MicroData.Files(first.ModelFolder), MicroData.Files(third.ModelFolder));
    }

    [Theory]
    [InlineData("learned scales")]
    [InlineData("affine blocks")]
    [InlineData("half-integers")]
    [InlineData("pi grid with incoherence")]
    public void Training_goes_on_from_a_packed_model_where_it_stopped(string way)
    {
        Recipe recipe = RecipeFor(way);
        QatRunResult first = Run(recipe)!;

        QatRunResult second = Run(recipe with { Model = first.ModelFolder, Teacher = recipe.Model }, folder: _temporary.File("second"))!;

        // Nothing is rounded or turned anew: before its first step the second run holds the codes of the first.
        Assert.Equal(first.Scores[2].Quality.Perplexity, second.Scores[1].Quality.Perplexity, tolerance: 1e-9);
        using LoadedModel packed = ModelLoader.Load(first.ModelFolder), further = ModelLoader.Load(second.ModelFolder);
        Assert.Equal(packed.Provenance!.SourceDigest, further.Provenance!.SourceDigest);
        Assert.Equal(packed.Provenance.RotationSeed, further.Provenance.RotationSeed);
        Assert.DoesNotContain(_events.OfType<PipelineEvent.Warned>(), warning => warning.Message.Contains("teaches itself", StringComparison.Ordinal));
    }

    [Fact]
    public void A_packed_model_without_another_teacher_is_warned_of()
    {
        QatRunResult first = Run(MicroData.Recipe(_temporary))!;

        Run(MicroData.Recipe(_temporary) with { Model = first.ModelFolder }, folder: _temporary.File("second"));

        Assert.Contains(
            new PipelineEvent.Warned($"{first.ModelFolder}: is quantized already and teaches itself; name the full-precision model it was made from as the teacher."),
            _events);
    }

    [Fact]
    public void A_rotation_is_reported_layer_by_layer_and_on_the_page()
    {
        Recipe recipe = RecipeFor("pi grid with incoherence");

        QatRunResult result = Run(recipe)!;

        using LoadedModel original = ModelLoader.Load(recipe.Model);
        using LlamaModel rotated = IncoherenceRotation.Apply(original.Model, recipe.Training.Seed);
        IReadOnlyList<LayerIncoherence> expected = IncoherenceComparison.Measure(original.Model, rotated);
        Assert.Equal(expected, Assert.Single(_events.OfType<PipelineEvent.Rotated>()).Layers);
        string page = File.ReadAllText(result.ReportPath);
        Assert.All(expected, layer => Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"<td>{layer.Name}</td><td>{layer.Before:F2}</td><td>{layer.After:F2}</td>"), page, StringComparison.Ordinal));
    }

    [Fact]
    public void Phases_and_scores_are_reported_in_order_and_the_page_shows_them()
    {
        QatRunResult result = Run(MicroData.Recipe(_temporary))!;

        Assert.Equal(Enum.GetValues<PipelinePhase>(), _events.OfType<PipelineEvent.PhaseStarted>().Select(happening => happening.Phase));
        ModelScore[] reported = [.. _events.OfType<PipelineEvent.Scored>().Select(happening => happening.Score)];
        Assert.Equal(result.Scores, reported.Select((score, row) => score with { FileBytes = result.Scores[row].FileBytes }));
        Assert.Equal(4, _events.OfType<PipelineEvent.Trained>().Count(happening => happening.Event is TrainingEvent.StepCompleted));

        Assert.Empty(_events.OfType<PipelineEvent.Rotated>());

        string page = File.ReadAllText(result.ReportPath);
        Assert.DoesNotContain("Incoherence", page, StringComparison.Ordinal);
        Assert.StartsWith("<!DOCTYPE html>", page, StringComparison.Ordinal);
        Assert.Contains("<h1>Pique: base at 3 bits</h1>", page, StringComparison.Ordinal);
        Assert.Contains("<td>model.layers.0.mlp.down_proj</td><td>16 &#215; 24</td><td>3</td><td>two&#39;s complement</td>", page, StringComparison.Ordinal);
        Assert.Contains("<td>model.embed_tokens</td>", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Bits_that_calibration_chose_are_reported_with_what_they_were_chosen_by()
    {
        Recipe recipe = MicroData.Recipe(_temporary);
        Run(recipe with { Overrides = [new() { Pattern = "model.layers.*", AverageBits = 3 }] });

        PipelineEvent.SensitivityDrawn drawn = Assert.Single(_events.OfType<PipelineEvent.SensitivityDrawn>());
        Assert.Equal(7, drawn.Layers.Count);
        Assert.All(drawn.Layers, layer => Assert.NotNull(layer.ChosenBits));
        Assert.Equal((Path.Combine(Folder, "calibration.sensitivity.svg"), true), (drawn.PlotPath, File.Exists(drawn.PlotPath)));
    }

    [Fact]
    public void A_recipe_with_faults_is_refused_before_anything_is_made()
    {
        Recipe recipe = MicroData.Recipe(_temporary) with { ActivationBits = 1, Qat = new QatConfig { Bits = 6 } };

        ConfigurationException failure = Assert.Throws<ConfigurationException>(() => Run(recipe));

        Assert.Equal(["qat.bits", "activation_bits"], failure.Faults.Select(fault => fault.Path));
        Assert.StartsWith("recipe: 2 faults\n", failure.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Folder));
    }

    [Fact]
    public void A_context_longer_than_the_models_is_refused_before_anything_is_made()
    {
        Recipe recipe = MicroData.Recipe(_temporary);

        InputException failure = Assert.Throws<InputException>(() => Run(recipe with { Data = recipe.Data with { ContextTokens = 45 } }));

        Assert.Equal($"data.context_tokens: 45 tokens, but {recipe.Model} was made for 44. Set context_tokens to 44 or less.", failure.Message);
        Assert.False(Directory.Exists(Folder));
    }

    [Fact]
    public void A_teacher_of_another_vocabulary_is_refused()
    {
        Recipe recipe = MicroData.Recipe(_temporary);
        string teacher = MicroData.WriteModel(_temporary, "teacher", change: config => config with { VocabularySize = config.VocabularySize + 8 });

        InputException failure = Assert.Throws<InputException>(() => Run(recipe with { Teacher = teacher }));

        Assert.Equal($"teacher: {teacher} knows 277 tokens, the model 269. Choose a teacher with the model's own vocabulary.", failure.Message);
    }

    [Fact]
    public void A_teacher_of_another_width_is_refused_where_hidden_states_are_compared()
    {
        Recipe recipe = MicroData.Recipe(_temporary);
        string teacher = MicroData.WriteModel(_temporary, "teacher", change: config => config with { HiddenSize = 32 });

        InputException failure = Assert.Throws<InputException>(() => Run(recipe with { Teacher = teacher }));
        Assert.Equal(
            $"teacher: hidden states of {teacher} have width 32, the model's 16, so the reasoning loss cannot compare them. Set loss_weights.lambda_reasoning to 0, or choose a teacher of the same width.",
            failure.Message);
    }

    private Recipe RecipeFor(string way)
    {
        Recipe recipe = MicroData.Recipe(_temporary);
        QatConfig qat = recipe.Qat;
        return way switch
        {
            "learned scales" => recipe,
            "affine blocks" => recipe with
            {
                Qat = qat with { Bits = 4, Symmetric = false, Granularity = new QuantGranularity.PerBlock(8), SteVariant = new SteVariant.Standard(), WarmupEpochs = 1 },
                Overrides = [new() { Pattern = "*o_proj", FullPrecision = true }],
            },
            "half-integers" => recipe with { Grid = WeightGrid.HalfInteger, Qat = qat with { Bits = 2 } },
            "two-level blocks" => OfTwoLevels(recipe),
            "signed EWGS with dampening" => recipe with { Estimator = new SteVariant.EwgsSigned(), OscillationDampening = 0.01f, Grid = WeightGrid.HalfInteger },
            "k per channel" => recipe with { Qat = qat with { PiK = 4 }, PiKPerChannel = true },
            "pi grid with incoherence" => recipe with { Qat = qat with { Bits = 2, PiK = 3, UseIncoherence = true } },
            "quantized activations" => recipe with { Qat = qat with { Granularity = new QuantGranularity.PerToken() }, ActivationBits = 4 },
            "no distillation" => recipe with { Qat = qat with { UseDistillation = false }, Teacher = _temporary.File("no such teacher") },
            "learning teacher" => recipe with { Qat = qat with { FreezeTeacher = false } },
            "kept teacher outputs" => recipe with { Training = recipe.Training with { TeacherCache = new() { TopK = 6, Folder = _temporary.File("outputs") } } },
            "states in fewer bytes" => recipe with { Training = recipe.Training with { OptimizerStates = OptimizerStates.Int8, LatentWeights = LatentWeights.Bfloat16, EvaluateEverySteps = 2 } },
            _ => throw new ArgumentOutOfRangeException(nameof(way), way, "Unknown way."),
        };
    }

    /// <summary>A model with a matrix of lines longer than a super-block, its last block shorter than the others.</summary>
    private Recipe OfTwoLevels(Recipe recipe) => recipe with
    {
        Model = MicroData.WriteModel(_temporary, "wide", change: config => config with { IntermediateSize = 280 }),
        Qat = recipe.Qat with { Granularity = new QuantGranularity.PerBlock(16) },
        Grid = WeightGrid.TwoLevel,
    };

    private QatRunResult? Run(Recipe recipe, bool resume = false, string? folder = null, Func<PipelineEvent, bool>? cancelAt = null, CancellationTokenSource? cancellation = null)
    {
        _events.Clear();
        QatPipeline pipeline = new(TimeProvider.System);
        pipeline.Reported += happening =>
        {
            _events.Add(happening);
            if (cancelAt?.Invoke(happening) == true)
                cancellation!.Cancel();
        };
        return pipeline.Run(recipe, folder ?? Folder, resume, cancellation?.Token ?? TestContext.Current.CancellationToken);
    }

    /// <summary>Prepares the model as the run did and puts the weights and scales of a checkpoint in.</summary>
    private void Restore(LlamaModel student, Recipe recipe, int step)
    {
        CalibrationFile.Load(Path.Combine(Folder, CalibrationFile.FileName))
            .Prepare(student.QuantizableLayers, QuantizationPolicy.From(recipe).SpecFor, recipe.ActivationBits);
        foreach ((_, IQuantizableLayer layer) in student.QuantizableLayers.Where(_ => recipe.Training.LatentWeights == LatentWeights.Bfloat16))
            layer.SetWeightType(ScalarType.BFloat16);
        string checkpoint = Path.Combine(Folder, "checkpoints", $"step-{step:D6}", "model.safetensors");
        IReadOnlyList<(string, Tensor)> saved = TrainedParameters.Of(student).Saved;
        TensorFile.RequireMatch(checkpoint, saved);
        TensorFile.Restore(checkpoint, saved);
    }

    private static void AssertSameModel(LlamaModel student, LlamaModel shipped)
    {
        using IDisposable noGradients = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> computedWith = student.named_parameters().ToDictionary(entry => entry.name, entry => (Tensor)entry.parameter);
        foreach ((string name, IQuantizableLayer layer) in student.QuantizableLayers)
            computedWith[name + ".weight"] = layer.EffectiveWeight();

        Assert.All(shipped.named_parameters(), entry => Assert.True(
            computedWith[entry.name].contiguous().bytes.SequenceEqual(entry.parameter.contiguous().bytes), entry.name));
        Assert.Equal(computedWith.Count, shipped.named_parameters().Count());
        Assert.Equal(
            student.QuantizableLayers.Select(entry => (entry.Layer as QuantizedLinear)?.ActivationQuantizer?.Bits),
            shipped.QuantizableLayers.Select(entry => (entry.Layer as QuantizedLinear)?.ActivationQuantizer?.Bits));
    }

    /// <summary>The score of the model that was written equals that of the student at its last step.</summary>
    private static void AssertScoreOf(LlamaModel student, Recipe recipe, ITextTokenizer tokenizer, ModelScore score)
    {
        PreparedData data = PreparedData.Create(PreparedData.Divide(recipe.Data), tokenizer, recipe.Data.ContextTokens, recipe.Training);

        ModelScore measured = HeldOutEvaluation.Measure("qat", student, tokenizer, data, teacher: null, new ModelSize(score.BitsPerWeight, score.FileBytes), TestContext.Current.CancellationToken);

        Assert.Equal(measured, score with { Quality = score.Quality with { Teacher = null } });
    }
}
