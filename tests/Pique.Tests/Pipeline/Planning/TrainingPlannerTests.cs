using Pique.Configuration;
using Pique.Models.Llama;
using Pique.Pipeline;

namespace Pique.Tests.Pipeline.Planning;

public sealed class TrainingPlannerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Counts_are_those_of_the_run_and_the_rest_is_measured_and_nothing_is_written()
    {
        Recipe recipe = MicroData.Recipe(_folder);
        recipe = recipe with { Training = recipe.Training with { MaxSteps = null, EvaluateEverySteps = 5, KeepBest = true } };
        Dictionary<string, byte[]> before = MicroData.Files(_folder.Path);

        TrainingPlan plan = new TrainingPlanner(TimeProvider.System).Plan(recipe, TestContext.Current.CancellationToken);

        PreparedData data = Data(recipe);
        Assert.Equal((data.Train.BatchesPerEpoch, 2 * data.Train.BatchesPerEpoch), (plan.StepsPerEpoch, plan.Steps));
        Assert.Equal((data.Train.Statistics.Tokens, 2.0 * data.Train.Statistics.Tokens), (plan.TokensPerEpoch, plan.Tokens));
        Assert.Equal((plan.Steps + 4) / 5, plan.Evaluations);
        using LoadedShape shape = new(recipe.Model);
        Assert.Equal(shape.Weights, plan.WeightCount);
        Assert.True(plan.QuantizationParameterCount > 0);
        Assert.True(plan is { StepSeconds: > 0, EvaluationSeconds: > 0, PeakMemoryBytes: > 0, AvailableMemoryBytes: > 0 });
        Assert.Equal((plan.Steps * plan.StepSeconds) + (plan.Evaluations * plan.EvaluationSeconds), plan.TrainingSeconds);
        Assert.Equal(before, MicroData.Files(_folder.Path));
    }

    [Fact]
    public void A_limit_of_steps_counts_and_without_measurements_on_the_way_there_are_none()
    {
        Recipe recipe = MicroData.Recipe(_folder);
        recipe = recipe with { Training = recipe.Training with { MaxSteps = 1 } };

        TrainingPlan plan = new TrainingPlanner(TimeProvider.System).Plan(recipe, TestContext.Current.CancellationToken);

        Assert.Equal((1, 0, 0.0), (plan.Steps, plan.Evaluations, plan.EvaluationSeconds));
        Assert.Equal((double)plan.TokensPerEpoch / plan.StepsPerEpoch, plan.Tokens);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Both_phases_of_block_wise_training_are_planned_and_nothing_is_written(bool scalesEndToEnd)
    {
        Recipe recipe = MicroData.Recipe(_folder);
        recipe = recipe with
        {
            Model = MicroData.WriteModel(_folder, "deep", change: config => config with { LayerCount = 2 }),
            Training = recipe.Training with { Mode = TrainingMode.Blockwise, Blockwise = new() { Epochs = 5, Rows = 4, ScalesEndToEnd = scalesEndToEnd }, MaxSteps = null },
        };
        Dictionary<string, byte[]> before = MicroData.Files(_folder.Path);

        TrainingPlan plan = new TrainingPlanner(TimeProvider.System).Plan(recipe, TestContext.Current.CancellationToken);

        Assert.Equal(2 * 5 * 2, plan.BlockSteps);
        Assert.Equal(scalesEndToEnd ? 2 * plan.StepsPerEpoch : 0, plan.Steps);
        Assert.Equal(3 * 4 * MicroData.ContextTokens * 16 * sizeof(float), plan.ActivationDiskBytes);
        const int WeightsOfABlock = (2 * 16 * 16) + (2 * 16 * 8) + (3 * 16 * 24) + (2 * 16);
        Assert.Equal(2 * WeightsOfABlock, plan.WeightCount);
        Assert.True(plan is { BlockStepSeconds: > 0, BlockPassSeconds: > 0, PeakMemoryBytes: > 0, QuantizationParameterCount: > 0 });
        Assert.Equal((plan.BlockSteps * plan.BlockStepSeconds) + plan.BlockPassSeconds + (plan.Steps * plan.StepSeconds), plan.TrainingSeconds);
        Assert.Equal(before, MicroData.Files(_folder.Path));
    }

    [Fact]
    public void A_run_without_room_is_refused()
    {
        Recipe recipe = MicroData.Recipe(_folder);
        TrainingPlanner planner = new(TimeProvider.System) { AvailableBytes = () => 1_000_000 };
        InputException failure = Assert.Throws<InputException>(() => planner.Plan(recipe, TestContext.Current.CancellationToken));
        Assert.StartsWith("memory: training with 3 rows of 44 tokens at once takes about ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Faults_of_the_recipe_come_first() =>
        Assert.Throws<ConfigurationException>(() => new TrainingPlanner(TimeProvider.System).Plan(new Recipe(), TestContext.Current.CancellationToken));

    private static PreparedData Data(Recipe recipe)
    {
        using Pique.Formats.LoadedModel model = Pique.Formats.ModelLoader.Load(recipe.Model);
        return PreparedData.Create(PreparedData.Divide(recipe.Data), model.Tokenizer, recipe.Data.ContextTokens, recipe.Training);
    }

    private sealed class LoadedShape : IDisposable
    {
        private readonly LlamaModel _model;

        public LoadedShape(string path)
        {
            _model = Pique.Formats.ModelLoader.Load(path).Model;
            Weights = _model.parameters().Sum(parameter => parameter.numel());
        }

        public long Weights { get; }

        public void Dispose() => _model.Dispose();
    }
}
