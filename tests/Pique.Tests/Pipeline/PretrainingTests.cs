using Pique.Configuration;
using Pique.Evaluation;
using Pique.Formats;
using Pique.Pipeline;
using Pique.Training;

namespace Pique.Tests.Pipeline;

public sealed class PretrainingTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();
    private readonly PretrainRecipe _recipe;

    public PretrainingTests() => _recipe = new()
    {
        Architecture = new() { HiddenSize = 16, IntermediateSize = 24, Layers = 1, Heads = 2, KeyValueHeads = 1, ContextTokens = MicroData.ContextTokens },
        Tokenizer = new() { VocabularySize = 280 },
        Data = MicroData.Write(_temporary),
        Training = new() { BatchTokens = 3 * MicroData.ContextTokens, CheckpointSteps = 2, Seed = 4, ComputeType = ComputeType.Float32 },
        Epochs = 1,
        LearningRate = 1e-2f,
    };

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void The_written_model_is_the_one_that_is_measured()
    {
        ModelScore score = Run("run")!;

        using LoadedModel model = ModelLoader.Load(_temporary.File("run/model"));
        Assert.Equal("pretrained", score.Name);
        Assert.Equal(ModelSize.Of(model), new ModelSize(score.BitsPerWeight, score.FileBytes));
        Assert.Equal(280, model.Model.VocabularySize);
        Assert.Equal((16, 24, 1, 2, 1, 8, MicroData.ContextTokens, true), (model.Model.Config.HiddenSize, model.Model.Config.IntermediateSize, model.Model.Config.LayerCount,
            model.Model.Config.HeadCount, model.Model.Config.KeyValueHeadCount, model.Model.Config.HeadSize, model.Model.Config.ContextTokens, model.Model.Config.TieWordEmbeddings));
        PreparedData data = PreparedData.Create(PreparedData.Divide(_recipe.Data), model.Tokenizer, MicroData.ContextTokens, _recipe.Training);
        Assert.Equal(score, HeldOutEvaluation.Measure("pretrained", model.Model, model.Tokenizer, data, teacher: null, ModelSize.Of(model), TestContext.Current.CancellationToken));
        Assert.InRange(score.Quality.Perplexity, 1, 200); // An untrained model is as perplexed as its vocabulary is large, 280.
        Assert.Equal([".lock", "checkpoints", "metrics.jsonl", "model", "recipe.json", "tokenizer"], Directory.EnumerateFileSystemEntries(_temporary.File("run")).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void The_same_recipe_gives_the_same_bytes_interrupted_or_not()
    {
        ModelScore whole = Run("whole")!;
        using CancellationTokenSource cancellation = new();

        Assert.Null(Run("run", cancelAtStep: 3, cancellation: cancellation));
        Assert.False(Directory.Exists(_temporary.File("run/model")));
        ModelScore resumed = Run("run", resume: true)!;

        Assert.Equal(whole, resumed);
        Assert.Equal(MicroData.Files(_temporary.File("whole/model")), MicroData.Files(_temporary.File("run/model")));
    }

    [Fact]
    public void An_initial_model_is_trained_on_with_its_own_vocabulary()
    {
        ModelScore first = Run("first")!;
        string initial = _temporary.File("first/model");

        ModelScore second = Run("second", _recipe with { InitialModel = initial })!;

        Assert.True(second.Quality.LossNats < first.Quality.LossNats, $"{second.Quality.LossNats} nats after more training, {first.Quality.LossNats} before");
        Assert.Equal(File.ReadAllBytes(Path.Combine(initial, "tokenizer.json")), File.ReadAllBytes(_temporary.File("second/model/tokenizer.json")));
        Assert.Equal([".lock", "checkpoints", "metrics.jsonl", "model", "recipe.json"], Directory.EnumerateFileSystemEntries(_temporary.File("second")).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void An_initial_model_of_another_shape_is_refused()
    {
        Run("first");
        PretrainRecipe recipe = _recipe with { InitialModel = _temporary.File("first/model"), Architecture = _recipe.Architecture with { Layers = 2 } };

        InputException failure = Assert.Throws<InputException>(() => Run("second", recipe));

        Assert.StartsWith($"initial_model: {recipe.InitialModel} is LlamaConfig {{ Family = llama, VocabularySize = 280,", failure.Message, StringComparison.Ordinal);
        Assert.Contains("LayerCount = 1,", failure.Message, StringComparison.Ordinal);
        Assert.Contains("the recipe states LlamaConfig { Family = llama, VocabularySize = 280,", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("Copy its shape into architecture and tokenizer.", failure.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_temporary.File("second")));
    }

    [Fact]
    public void A_recipe_with_faults_is_refused_before_anything_is_made()
    {
        ConfigurationException failure = Assert.Throws<ConfigurationException>(() => Run("run", _recipe with { Epochs = 0 }));

        Assert.Equal("recipe: epochs: found 0, expected 1 or more; set it to 1 or more.", failure.Message);
        Assert.False(Directory.Exists(_temporary.File("run")));
    }

    [Fact]
    public void Data_that_is_missing_leaves_no_folder_behind()
    {
        PretrainRecipe recipe = _recipe with { Data = _recipe.Data with { Files = [new() { Path = _temporary.File("absent.txt") }] } };

        Assert.Throws<InputException>(() => Run("run", recipe));
        Assert.False(Directory.Exists(_temporary.File("run")));
    }

    private ModelScore? Run(string name, PretrainRecipe? recipe = null, bool resume = false, int? cancelAtStep = null, CancellationTokenSource? cancellation = null)
    {
        Pretraining pretraining = new(TimeProvider.System);
        pretraining.Reported += happening =>
        {
            if (happening is TrainingEvent.StepCompleted completed && completed.Metrics.Step == cancelAtStep)
                cancellation!.Cancel();
        };
        return pretraining.Run(recipe ?? _recipe, _temporary.File(name), resume, cancellation?.Token ?? TestContext.Current.CancellationToken);
    }
}
