using Pique.Configuration;
using Pique.Pipeline;
using Pique.Training;

namespace Pique.Tests.Pipeline.Planning;

public sealed class LearningRateFinderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_rate_rises_from_step_to_step_until_the_loss_diverges_and_nothing_is_written()
    {
        Recipe recipe = MicroData.Recipe(_folder);
        Dictionary<string, byte[]> before = MicroData.Files(_folder.Path);

        LearningRateRange range = new LearningRateFinder(TimeProvider.System).Search(recipe, TestContext.Current.CancellationToken);

        Assert.InRange(range.Points.Count, 20, LearningRateFinder.Steps);
        Assert.All(range.Points.Index(), entry => Assert.Equal(LearningRateFinder.RateAt(entry.Index), entry.Item.LearningRate, 1e-12));
        Assert.Equal(range.Points[0].Loss, range.Points[0].SmoothedLoss, 1e-12);
        Assert.True(range.Points.Min(point => point.SmoothedLoss) < range.Points[0].Loss);
        Assert.Equal(before, MicroData.Files(_folder.Path));

        LearningRateRange again = new LearningRateFinder(TimeProvider.System).Search(recipe, TestContext.Current.CancellationToken);
        Assert.Equal(range.Points, again.Points);
    }

    [Fact]
    public void A_run_that_fails_otherwise_than_by_its_loss_is_no_result()
    {
        LearningRateFinder finder = new(TimeProvider.System);
        finder.Reported += happening =>
        {
            if (happening is PipelineEvent.Trained { Event: TrainingEvent.StepCompleted { Metrics.Step: 3 } })
                throw new RunFailedException("no memory");
        };
        Assert.Equal("no memory", Assert.Throws<RunFailedException>(() => finder.Search(MicroData.Recipe(_folder), TestContext.Current.CancellationToken)).Message);
    }

    [Fact]
    public void A_rate_of_zero_has_no_ratio_to_keep()
    {
        Recipe recipe = MicroData.Recipe(_folder);
        recipe = recipe with { Training = recipe.Training with { WeightLearningRate = 0 } };
        InputException failure = Assert.Throws<InputException>(() => new LearningRateFinder(TimeProvider.System).Search(recipe, TestContext.Current.CancellationToken));
        Assert.Equal("training.weight_learning_rate: found 0, expected a rate whose ratio to that of the scales can be kept; set it above 0.", failure.Message);
    }

    [Fact]
    public void Blocks_have_losses_of_their_own_and_are_not_searched_for()
    {
        Recipe recipe = MicroData.Recipe(_folder);
        recipe = recipe with { Training = recipe.Training with { Mode = TrainingMode.Blockwise } };
        InputException failure = Assert.Throws<InputException>(() => new LearningRateFinder(TimeProvider.System).Search(recipe, TestContext.Current.CancellationToken));
        Assert.Equal("training.mode: found \"blockwise\", expected \"end_to_end\": the search looks at the loss of the whole model, and blocks have losses of their own. Set mode to \"end_to_end\" for the search.", failure.Message);
    }

    [Theory]
    [InlineData(0, 1e-6)]
    [InlineData(33, 1e-4)]
    [InlineData(66, 1e-2)]
    [InlineData(99, 1)]
    public void Rates_are_evenly_spaced_in_their_logarithm(int step, double expected) => Assert.Equal(expected, LearningRateFinder.RateAt(step), expected * 1e-9);

    [Fact]
    public void The_suggestion_is_a_tenth_of_the_rate_of_the_lowest_loss()
    {
        double[] losses = [9, 9, 9, 9, 9, 5, 4.9, 4, 3, 2.9, 3.5, 8];
        LearningRateRange range = new([.. losses.Select((loss, index) => new LearningRatePoint(Math.Pow(10, index - 12), loss, loss))]);
        Assert.Equal(1e-3, range.LowestLossRate, 1e-12);
        Assert.Equal(1e-4, range.SuggestedRate, 1e-12);
        Assert.Equal(1e-5, range.SteepestRate!.Value, 1e-12);
    }

    [Fact]
    public void A_loss_that_only_rises_falls_fastest_nowhere()
    {
        LearningRateRange range = new([.. Enumerable.Range(0, 9).Select(index => new LearningRatePoint(Math.Pow(10, index - 9), index, index))]);
        Assert.Null(range.SteepestRate);
        Assert.Equal(1e-4, range.LowestLossRate, 1e-12);
    }
}
