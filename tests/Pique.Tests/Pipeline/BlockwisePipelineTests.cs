using Pique.Calibration;
using Pique.Configuration;
using Pique.Formats;
using Pique.Models.Llama;
using Pique.Models.Rotation;
using Pique.Pipeline;
using Pique.Quantization;
using Pique.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Pipeline;

public sealed class BlockwisePipelineTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();
    private readonly List<PipelineEvent> _events = [];

    private string Folder => _temporary.File("run");

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData(true, "learned scales")]
    [InlineData(true, "affine blocks")]
    [InlineData(true, "two-level blocks")]
    [InlineData(true, "pi grid with incoherence")]
    [InlineData(false, "learned scales")]
    public void What_is_shipped_is_what_training_saw(bool scalesEndToEnd, string way)
    {
        Recipe recipe = RecipeFor(way);
        recipe = recipe with { Training = recipe.Training with { Blockwise = new() { Epochs = 1, Rows = 6, ScalesEndToEnd = scalesEndToEnd }, MaxSteps = scalesEndToEnd ? 3 : null } };

        QatRunResult result = Run(recipe)!;

        int blockSteps = 2 * 2;
        Assert.Equal((blockSteps + (scalesEndToEnd ? 3 : 0), 0), (result.Steps, result.SkippedSteps));
        Assert.Equal(
            [".lock", "calibration.json", "checkpoints", "metrics.jsonl", "model", "model.gguf", "recipe.json", "report.html"],
            Directory.EnumerateFileSystemEntries(Folder).Select(Path.GetFileName).Order());
        Assert.Equal(Enumerable.Range(1, result.Steps), MetricsWriter.Read(Folder).Select(metrics => metrics.Step));
        Assert.Equal(2, Training().OfType<TrainingEvent.BlockCompleted>().Count());
        Assert.All(Training().OfType<TrainingEvent.StepCompleted>(), step => Assert.Equal(result.Steps, step.TotalSteps));

        using LoadedModel shipped = ModelLoader.Load(result.ModelFolder), original = ModelLoader.Load(recipe.Model);
        using LlamaModel? rotated = recipe.Qat.UseIncoherence ? IncoherenceRotation.Apply(original.Model, recipe.Training.Seed) : null;
        AssertShips(rotated ?? original.Model, shipped.Model, recipe, result.Steps, scalesEndToEnd);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    [InlineData(6)]
    public void A_run_that_is_interrupted_and_resumed_writes_the_bytes_of_one_that_ran_through(int interruptAt)
    {
        Recipe recipe = RecipeFor("learned scales");
        recipe = recipe with { Training = recipe.Training with { Blockwise = new() { Epochs = 1, Rows = 6 }, MaxSteps = 3, EvaluateEverySteps = 1, KeepBest = true } };
        QatRunResult whole = Run(recipe, folder: _temporary.File("whole"))!;

        Assert.Null(Run(recipe, interruptAt: interruptAt));
        QatRunResult resumed = Run(recipe, resume: true)!;

        Assert.Equal(MicroData.Files(whole.ModelFolder), MicroData.Files(resumed.ModelFolder));
        Assert.Equal((whole.FinalStep, whole.BestHeldOutLoss), (resumed.FinalStep, resumed.BestHeldOutLoss));
        Assert.Equal(whole.Scores, resumed.Scores);
        Assert.All(whole.Scores, score => Assert.NotNull(score));
        Directory.Delete(resumed.ModelFolder, recursive: true);
        Assert.Equal(MicroData.Files(whole.ModelFolder), MicroData.Files(Run(recipe, resume: true)!.ModelFolder));
    }

    [Fact]
    public void Both_phases_compute_in_one_type()
    {
        Recipe recipe = RecipeFor("learned scales");
        Run(recipe with { Training = recipe.Training with { Blockwise = new() { Epochs = 1, Rows = 3 }, MaxSteps = 1, ComputeType = ComputeType.Auto } });

        TrainingEvent.ComputeTypeChosen[] chosen = [.. Training().OfType<TrainingEvent.ComputeTypeChosen>()];
        Assert.Equal([chosen[0].Type, chosen[0].Type], chosen.Select(choice => choice.Type));
        Assert.Contains("bfloat16", chosen[0].Reason, StringComparison.Ordinal);
        Assert.Equal("as the blocks were trained", chosen[1].Reason);
    }

    [Fact]
    public void A_teacher_of_another_shape_is_refused()
    {
        Recipe recipe = RecipeFor("learned scales");
        string teacher = MicroData.WriteModel(_temporary, "teacher", change: config => config with { LayerCount = 3 });

        InputException failure = Assert.Throws<InputException>(() => Run(recipe with { Teacher = teacher }));

        Assert.Equal(
            $"teacher: {teacher} has 3 blocks of width 16, the model 2 of width 16, so its blocks cannot teach the model's (training.mode \"blockwise\"). Choose a teacher of the model's shape, or set training.mode to \"end_to_end\".",
            failure.Message);
    }

    private IEnumerable<TrainingEvent> Training() => _events.OfType<PipelineEvent.Trained>().Select(happening => happening.Event);

    private Recipe RecipeFor(string way)
    {
        Recipe recipe = MicroData.Recipe(_temporary);
        recipe = recipe with
        {
            Model = MicroData.WriteModel(_temporary, "deep", change: config => config with { LayerCount = 2 }),
            Training = recipe.Training with { Mode = TrainingMode.Blockwise },
        };
        QatConfig qat = recipe.Qat;
        return way switch
        {
            "learned scales" => recipe,
            "affine blocks" => recipe with { Qat = qat with { Symmetric = false, Granularity = new QuantGranularity.PerBlock(8), SteVariant = new SteVariant.Standard() } },
            "two-level blocks" => recipe with { Qat = qat with { Granularity = new QuantGranularity.PerBlock(16) }, Grid = WeightGrid.TwoLevel },
            "pi grid with incoherence" => recipe with { Qat = qat with { Bits = 2, PiK = 3, UseIncoherence = true } },
            _ => throw new ArgumentOutOfRangeException(nameof(way), way, "Unknown way."),
        };
    }

    private QatRunResult? Run(Recipe recipe, bool resume = false, string? folder = null, int? interruptAt = null)
    {
        _events.Clear();
        using CancellationTokenSource cancellation = new();
        QatPipeline pipeline = new(TimeProvider.System);
        pipeline.Reported += happening =>
        {
            _events.Add(happening);
            if (happening is PipelineEvent.Trained { Event: TrainingEvent.StepCompleted { Metrics.Step: var step } } && step == interruptAt)
                cancellation.Cancel();
        };
        return pipeline.Run(recipe, folder ?? Folder, resume, cancellation.Token);
    }

    /// <summary>Prepares the model as the run did, puts the weights and scales of its last checkpoint in, and compares what it computes with to what was written.</summary>
    private void AssertShips(LlamaModel student, LlamaModel shipped, Recipe recipe, int step, bool hasFixedCodes)
    {
        CalibrationFile.Load(Path.Combine(Folder, CalibrationFile.FileName))
            .Prepare(student.QuantizableLayers, QuantizationPolicy.From(recipe).SpecFor, recipe.ActivationBits);
        if (hasFixedCodes)
            ModelQuantizer.FixCodes(student, student.QuantizableLayers);
        string checkpoint = Path.Combine(Folder, "checkpoints", $"step-{step:D6}", "model.safetensors");
        IReadOnlyList<(string, Tensor)> saved = TrainedParameters.Of(student).Saved;
        TensorFile.RequireMatch(checkpoint, saved);
        TensorFile.Restore(checkpoint, saved);

        using IDisposable noGradients = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, Tensor> computedWith = student.named_parameters().ToDictionary(entry => entry.name, entry => (Tensor)entry.parameter);
        foreach ((string name, IQuantizableLayer layer) in student.QuantizableLayers)
            computedWith[name + ".weight"] = layer.EffectiveWeight();
        Assert.All(shipped.named_parameters(), entry => Assert.True(
            computedWith[entry.name].contiguous().bytes.SequenceEqual(entry.parameter.contiguous().bytes), entry.name));
    }
}
