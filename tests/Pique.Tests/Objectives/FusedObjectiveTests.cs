using CsCheck;
using Pique.Data;
using Pique.Models;
using Pique.Objectives;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Tests.Objectives;

public sealed class FusedObjectiveTests
{
    private static readonly ObjectiveCase Example = new(
        3, 24, 16, 517, 12, 2, new() { LambdaTask = 1, LambdaKd = 0.5f, LambdaReasoning = 0.3f, KdTemperature = 2 }, 0.2f, Reasons: true, Seed: 7);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Losses_and_gradients_are_those_of_plain_operations(bool keepsLikeliest) => ObjectiveCase.Any.Sample(
        random => random.Compute(fused: false, keepsLikeliest).AssertClose(random.Compute(fused: true, keepsLikeliest), 1e-5),
        iter: 100,
        threads: 1);

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public void The_size_of_a_chunk_makes_no_difference(int chunkRows) => ObjectiveCase.Any.Sample(
        random => random.Compute(fused: true).AssertClose(random.Compute(fused: true, chunkRows: chunkRows), 1e-5),
        iter: 30,
        threads: 1);

    [Fact]
    public void No_more_positions_than_a_chunk_s_are_asked_for_at_a_time()
    {
        IReadOnlyList<int> counts = Example.Compute(fused: true, chunkRows: 7).Counts;
        Assert.All(counts.SkipLast(1), count => Assert.Equal(7, count));
        Assert.InRange(counts[^1], 1, 7);
        Assert.InRange(counts.Sum(), 7, Example.Rows * Example.Context);
    }

    [Theory]
    [InlineData(23, 512)]
    [InlineData(512, 512)]
    [InlineData(8192, 256)]
    [InlineData(6000, 349)]
    [InlineData(151_936, 138)]
    [InlineData(1_000_000, 64)]
    public void A_chunk_is_eight_megabytes_of_logits_within_bounds(long vocabulary, int rows) => Assert.Equal(rows, LogitChunk.RowsFor(vocabulary));

    [Fact]
    public void The_gradient_scales_with_what_comes_from_above()
    {
        ObjectiveCase.Outcome whole = Example.Compute(fused: true), half = Example.Compute(fused: true, upstream: 0.5f);
        Assert.Equal(whole.HiddenGradient.Select(value => value / 2), half.HiddenGradient);
        Assert.Equal(whole.WeightGradient.Select(value => value / 2), half.WeightGradient);
    }

    [Fact]
    public void Products_in_bfloat16_stay_within_its_rounding()
    {
        ObjectiveCase.Outcome rounded = Example.Compute(fused: true, computeType: ScalarType.BFloat16);
        Example.Compute(fused: true).AssertClose(rounded, 0.05);
        Assert.NotEqual(Example.Compute(fused: true).Total, rounded.Total);
    }

    [Fact]
    public void A_head_that_is_no_leaf_hands_its_gradient_on_and_one_that_is_adds_to_what_it_has()
    {
        using DisposeScope scope = NewDisposeScope();
        using TokenBatch batch = new(zeros([1, 4], ScalarType.Int64), tensor(new long[,] { { 0, 1, 2, 1 } }), ones(1, 4), [], 4);
        PositionSelection positions = PositionSelection.Create(batch, null);
        Tensor states = randn([4, 5], generator: new Generator(1));
        Parameter own = new(randn([3, 5], generator: new Generator(2))), base_ = new(own.detach().div(2.ToScalar()));
        Total(states, own).backward();
        Tensor once = own.grad!.clone();
        Total(states, own).backward();
        Assert.True(allclose(own.grad!, once.mul(2.ToScalar())));
        Total(states, base_.mul(2.ToScalar())).backward();
        Assert.True(allclose(base_.grad!, once.mul(2.ToScalar())));

        Tensor Total(Tensor input, Tensor weight) => FusedObjective.Compute(new LogitFactors(input, weight), null, positions, new(1, 0, 0, 1)).Total;
    }

    [Fact]
    public void Without_gradients_the_losses_are_the_same_and_no_graph_is_made()
    {
        using DisposeScope scope = NewDisposeScope();
        using TokenBatch batch = new(zeros([1, 4], ScalarType.Int64), tensor(new long[,] { { 0, 1, 2, 1 } }), ones(1, 4), [], 4);
        PositionSelection positions = PositionSelection.Create(batch, null);
        LogitFactors factors = new(randn([4, 5], generator: new Generator(1)), new Parameter(randn([3, 5], generator: new Generator(2))));
        LogitTerms with = FusedObjective.Compute(factors, null, positions, new(1, 0, 0, 1));
        Assert.True(with.Total.requires_grad);
        using IDisposable guard = no_grad();
        LogitTerms without = FusedObjective.Compute(factors, null, positions, new(1, 0, 0, 1));
        Assert.False(without.Total.requires_grad);
        Assert.Equal(with.Task, without.Task);
    }

    [Fact]
    public void A_pass_leaves_nothing_but_its_total_and_the_gradients_behind()
    {
        using DisposeScope scope = NewDisposeScope();
        using TokenBatch batch = new(zeros([1, 4], ScalarType.Int64), tensor(new long[,] { { 0, 1, 2, 1 } }), ones(1, 4), [], 4);
        PositionSelection positions = PositionSelection.Create(batch, null);
        Parameter states = new(randn(4, 5)), weight = new(randn(3, 5));
        using GivenRows teacher = new(randn(4, 3), null);
        for (int pass = 0; pass < 3; pass++)
        {
            long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            using (NewDisposeScope())
            {
                FusedObjective.Compute(new LogitFactors(states, weight), teacher, positions, new(1, 1, 0, 1), chunkRows: 3).Total.backward();
                states.grad = null;
                weight.grad = null;
            }

            Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        }
    }
}
