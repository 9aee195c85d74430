using Pique.Configuration;
using Pique.Training;

namespace Pique.Tests.Training;

public sealed class LearningRateCurveTests
{
    [Theory]
    [InlineData(LearningRateSchedule.Constant, 0, 1.0)]
    [InlineData(LearningRateSchedule.Constant, 10, 1.0)]
    [InlineData(LearningRateSchedule.Linear, 0, 1.0)]
    [InlineData(LearningRateSchedule.Linear, 5, 0.55)]
    [InlineData(LearningRateSchedule.Linear, 10, 0.1)]
    [InlineData(LearningRateSchedule.Cosine, 0, 1.0)]
    [InlineData(LearningRateSchedule.Cosine, 5, 0.55)]
    [InlineData(LearningRateSchedule.Cosine, 10, 0.1)]
    public void Eleven_steps_fall_to_a_tenth(LearningRateSchedule schedule, int step, double expected) =>
        Assert.Equal(expected, LearningRateCurve.Factor(schedule, step, 11, 0, 0.1), 1e-12);

    [Theory]
    [InlineData(0, 0.5)] // One step of warm-up,
    [InlineData(1, 1.0)]
    [InlineData(6, 1.0)] // the last stable one of eleven with a share of 0.4, so that 4 steps fall:
    [InlineData(7, 0.55)] // 0.1 + 0.9·(1 − √(1/4)),
    [InlineData(8, 0.1 + (0.9 * 0.2928932188134524))] // 1 − √(1/2),
    [InlineData(9, 0.1 + (0.9 * 0.1339745962155614))] // 1 − √(3/4),
    [InlineData(10, 0.1)] // and f at the last.
    public void Warm_up_stable_decay_stays_up_and_falls_at_the_end(int step, double expected) =>
        Assert.Equal(expected, LearningRateCurve.Factor(LearningRateSchedule.WarmupStableDecay, step, 11, 1, 0.1, 0.4), 1e-12);

    [Fact]
    public void A_fall_that_would_begin_within_the_warm_up_begins_after_it()
    {
        double[] factors = [.. Enumerable.Range(0, 6).Select(step => LearningRateCurve.Factor(LearningRateSchedule.WarmupStableDecay, step, 6, 2, 0, 1))];
        Assert.Equal([1 / 3.0, 2 / 3.0, 1, 1 - Math.Sqrt(1 / 3.0), 1 - Math.Sqrt(2 / 3.0), 0], factors);
    }

    [Theory]
    [InlineData(0, 0.25)]
    [InlineData(2, 0.75)]
    [InlineData(3, 1.0)]
    [InlineData(10, 0.0)]
    public void Warm_up_rises_linearly_and_the_schedule_follows(int step, double expected) =>
        Assert.Equal(expected, LearningRateCurve.Factor(LearningRateSchedule.Linear, step, 11, 3, 0), 1e-12);

    [Fact]
    public void A_run_shorter_than_its_warm_up_never_leaves_the_range() =>
        Assert.All(Enumerable.Range(0, 3), step => Assert.InRange(LearningRateCurve.Factor(LearningRateSchedule.Cosine, step, 3, 10, 0.1), 0.0, 1.0));
}
