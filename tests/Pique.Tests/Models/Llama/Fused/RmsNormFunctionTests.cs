using Pique.Models.Llama;
using Pique.Tests.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Llama;

public sealed class RmsNormFunctionTests
{
    private const float Epsilon = 1e-3f;

    [Fact]
    public void Gradients_are_the_slopes_of_the_norm()
    {
        using DisposeScope scope = NewDisposeScope();
        Slopes.AssertGradients(inputs => [RmsNormFunction.Compute(inputs[0], inputs[1], Epsilon)], LayerCase.Normal(1, 3, 19), LayerCase.Normal(2, 19));
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Only_what_asks_for_a_gradient_gets_one_and_it_is_that_of_plain_operations(bool inputLearns, bool gainLearns)
    {
        using DisposeScope scope = NewDisposeScope();
        using RmsNorm norm = new(19, Epsilon);
        norm.Gain.requires_grad = gainLearns;
        Tensor input = LayerCase.Normal(1, 2, 5, 19).requires_grad_(inputLearns), upstream = LayerCase.Normal(2, 2, 5, 19);
        Tensor plainInput = input.detach().clone().requires_grad_(inputLearns), plainGain = norm.Gain.detach().clone().requires_grad_(gainLearns);

        norm.forward(input).backward([upstream]);
        PlainLayers.Normalize(plainInput, plainGain, Epsilon).backward([upstream]);

        AssertSameGradient(plainInput, input);
        AssertSameGradient(plainGain, norm.Gain);
    }

    [Fact]
    public void Two_passes_give_the_same_bits_and_a_second_backward_pass_adds_the_same_gradients()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] gains = [.. Enumerable.Range(0, 2).Select(_ =>
        {
            Tensor input = LayerCase.Normal(1, 700, 130).requires_grad_(), gain = LayerCase.Normal(2, 130).requires_grad_();
            Tensor output = RmsNormFunction.Compute(input, gain, Epsilon);
            output.backward([LayerCase.Normal(3, 700, 130)], retain_graph: true);
            Tensor once = gain.grad!.clone();
            output.backward([LayerCase.Normal(3, 700, 130)]);
            LayerCase.AssertSameBits(once.mul(2), gain.grad!);
            return gain.grad!;
        })];
        LayerCase.AssertSameBits(gains[0], gains[1]);
    }

    [Fact]
    public void Without_gradients_nothing_is_kept_but_the_result()
    {
        using RmsNorm norm = new(19, Epsilon);
        using Tensor input = LayerCase.Normal(1, 3, 19);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (no_grad())
        {
            using Tensor output = norm.forward(input);
            Assert.False(output.requires_grad);
            Assert.Equal(before + 1, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        }

        norm.Gain.requires_grad = false;
        using Tensor frozen = norm.forward(input);
        Assert.False(frozen.requires_grad);
    }

    [Fact]
    public void What_the_kernel_does_not_read_takes_plain_operations()
    {
        using DisposeScope scope = NewDisposeScope();
        using RmsNorm norm = new(6, Epsilon);
        foreach (Tensor input in (Tensor[])[LayerCase.Normal(1, 6, 6).t(), LayerCase.Normal(1, 6, 6).to(ScalarType.Float64), LayerCase.Normal(1, 6, 6).to(ScalarType.BFloat16)])
        {
            Tensor output = norm.forward(input);
            LayerCase.AssertSameBits(PlainLayers.Normalize(input, norm.Gain, Epsilon), output);
            Assert.True(output.requires_grad);
        }
    }

    private static void AssertSameGradient(Tensor expected, Tensor found)
    {
        if (expected.grad is { } gradient)
            LayerCase.AssertClose(gradient, found.grad!, 1e-6);
        else
            Assert.Null(found.grad);
    }
}
