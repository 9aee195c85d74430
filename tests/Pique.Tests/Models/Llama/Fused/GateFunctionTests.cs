using Pique.Models.Llama;
using Pique.Tests.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Llama;

public sealed class GateFunctionTests
{
    [Fact]
    public void Gradients_are_the_slopes_of_the_product()
    {
        using DisposeScope scope = NewDisposeScope();
        Slopes.AssertGradients(inputs => [GateFunction.Compute(inputs[0], inputs[1])], LayerCase.Normal(1, 3, 19), LayerCase.Normal(2, 3, 19));
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Only_what_asks_for_a_gradient_gets_one_and_a_second_backward_pass_adds_the_same(bool gateLearns, bool upLearns)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor gate = LayerCase.Normal(1, 2, 5, 19).requires_grad_(gateLearns), up = LayerCase.Normal(2, 2, 5, 19).requires_grad_(upLearns), upstream = LayerCase.Normal(3, 2, 5, 19);
        Tensor plainGate = gate.detach().clone().requires_grad_(gateLearns), plainUp = up.detach().clone().requires_grad_(upLearns);

        Tensor product = GateFunction.Compute(gate, up);
        product.backward([upstream], retain_graph: true);
        product.backward([upstream]);
        PlainLayers.Gate(plainGate, plainUp).backward([upstream.mul(2)]);

        foreach ((Tensor plain, Tensor fused) in (IEnumerable<(Tensor, Tensor)>)[(plainGate, gate), (plainUp, up)])
        {
            Assert.Equal(plain.grad is null, fused.grad is null);
            if (plain.grad is { } gradient)
                LayerCase.AssertClose(gradient, fused.grad!, 1e-6);
        }
    }

    [Fact]
    public void The_backward_pass_leaves_arguments_and_upstream_gradient_as_they_were()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor gate = LayerCase.Normal(1, 3, 19).requires_grad_(), up = LayerCase.Normal(2, 3, 19).requires_grad_(), upstream = LayerCase.Normal(3, 3, 19);
        Tensor[] before = [gate.clone(), up.clone(), upstream.clone()];
        GateFunction.Compute(gate, up).backward([upstream]);
        Assert.All(before.Zip([gate, up, upstream]), pair => LayerCase.AssertSameBits(pair.First, pair.Second));
    }
}
