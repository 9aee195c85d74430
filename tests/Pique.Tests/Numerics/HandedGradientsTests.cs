using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public sealed class HandedGradientsTests
{
    [Fact]
    public void Gradients_outlive_their_scope_until_the_next_are_handed_over()
    {
        using DisposeScope outer = NewDisposeScope();
        Tensor upstream = ones(3);
        List<Tensor> first = Handed(upstream);
        Assert.True(upstream.IsInvalid);
        Assert.Equal((false, true, true), (first[0].IsInvalid, first[1] is null, ReferenceEquals(first[0], first[2])));

        List<Tensor> second = Handed(ones(3));
        Assert.Equal((true, false), (first[0].IsInvalid, second[0].IsInvalid));
        Assert.Equal(2f, second[0][0].item<float>());
    }

    [Fact]
    public void They_live_no_longer_than_the_scope_around_the_backward_pass()
    {
        HandedGradients.LetGo();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (NewDisposeScope())
            Handed(ones(3));
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        using (NewDisposeScope())
            Assert.False(Handed(ones(3))[0].IsInvalid);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void They_can_be_let_go_before()
    {
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> gradients = Handed(ones(3));
        HandedGradients.LetGo();
        Assert.True(gradients[0].IsInvalid);
    }

    private static List<Tensor> Handed(Tensor upstream)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor gradient = full(3, 2f);
        return HandedGradients.Of([upstream], gradient, null, gradient);
    }
}
