using Pique.Adapters;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Adapters;

public class LoraAdapterTests
{
    [Fact]
    public void The_update_is_alpha_over_rank_times_b_times_a()
    {
        using DisposeScope scope = NewDisposeScope();
        using LoraAdapter adapter = Sample(alpha: 3);

        // (3/2)·B·A by hand, B = [[1, 2], [0, −1], [3, 0]], A = [[1, 0, 2], [0, 4, 1]].
        Assert.Equal([1.5f, 12, 6, 0, -6, -1.5f, 4.5f, 0, 9], adapter.WeightUpdate().detach().contiguous().data<float>().ToArray());
    }

    [Fact]
    public void Dropped_components_are_left_out_and_the_others_scaled_up()
    {
        using DisposeScope scope = NewDisposeScope();
        using LoraAdapter adapter = Sample(alpha: 2);
        long firstOnly = Enumerable.Range(0, 100).First(seed => Kept(seed) is [true, false]);

        adapter.Drop(0.5, new SplitMix64(firstOnly));
        Assert.Equal([2f, 0, 4, 0, 0, 0, 6, 0, 12], adapter.WeightUpdate().detach().contiguous().data<float>().ToArray());
        Assert.All(adapter.Gradients(ones(3, 3))[0][1].data<float>().ToArray(), value => Assert.Equal(0, value));
        Assert.All(adapter.Gradients(ones(3, 3))[1][TensorIndex.Colon, 1].contiguous().data<float>().ToArray(), value => Assert.Equal(0, value));

        adapter.KeepAll();
        Assert.Equal([1f, 8, 4, 0, -4, -1, 3, 0, 6], adapter.WeightUpdate().detach().contiguous().data<float>().ToArray());

        static bool[] Kept(int seed)
        {
            SplitMix64 random = new(seed);
            return [random.NextDouble() >= 0.5, random.NextDouble() >= 0.5];
        }
    }

    [Fact]
    public void The_mean_of_many_draws_is_the_whole_update()
    {
        using DisposeScope scope = NewDisposeScope();
        using LoraAdapter adapter = Sample(alpha: 2);
        using IDisposable noGradient = no_grad();
        Tensor whole = adapter.WeightUpdate(), sum = zeros(3, 3);
        const int Draws = 4000;
        for (int draw = 0; draw < Draws; draw++)
        {
            using DisposeScope inner = NewDisposeScope();
            adapter.Drop(0.3, SplitMix64.ForStream(1, draw));
            sum.add_(adapter.WeightUpdate());
        }

        // Four standard errors of the largest entry, 8·√(0.3/0.7)/√4000 = 0.083.
        Assert.InRange((sum / Draws - whole).abs().max().item<float>(), 0, 0.35);
    }

    [Fact]
    public void Matrices_of_different_rank_are_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        Assert.Equal("A has 2 rows and B 3 columns, expected the rank in both. (Parameter 'b')", Assert.Throws<ArgumentException>(() => new LoraAdapter(zeros(2, 5), zeros(4, 3), 1)).Message);
    }

    private static LoraAdapter Sample(float alpha) => new(
        tensor(new[] { 1f, 0, 2, 0, 4, 1 }, [2, 3]), tensor(new[] { 1f, 2, 0, -1, 3, 0 }, [3, 2]), alpha);
}
