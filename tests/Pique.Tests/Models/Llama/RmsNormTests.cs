using Pique.Models.Llama;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Llama;

public class RmsNormTests
{
    [Fact]
    public void Output_and_gradients_equal_the_formula_in_double_precision()
    {
        using DisposeScope scope = NewDisposeScope();
        using RmsNorm norm = new(16, 1e-3f);
        using Generator generator = new(3, CPU);
        Tensor input = randn([5, 16], generator: generator).requires_grad_();
        Tensor upstream = randn([5, 16], generator: generator);
        using (no_grad())
            norm.Gain.copy_(randn([16], generator: generator));
        Tensor exactInput = input.detach().to(ScalarType.Float64).requires_grad_();
        Tensor exactGain = norm.Gain.detach().to(ScalarType.Float64).requires_grad_();

        Tensor output = norm.forward(input);
        output.backward([upstream]);
        Tensor exact = exactInput / (exactInput.Squared().mean([-1], keepdim: true) + 1e-3f).sqrt() * exactGain;
        exact.backward([upstream.to(ScalarType.Float64)]);

        Assert.True(TinyLlama.LargestDifference(output, exact) < 1e-5);
        Assert.True(TinyLlama.LargestDifference(input.grad!, exactInput.grad!) < 1e-5);
        Assert.True(TinyLlama.LargestDifference(norm.Gain.grad!, exactGain.grad!) < 1e-5);
    }

    [Fact]
    public void A_row_of_zeros_gives_zeros_and_finite_gradients()
    {
        using DisposeScope scope = NewDisposeScope();
        using RmsNorm norm = new(8, 1e-5f);
        Tensor input = zeros(2, 8).requires_grad_();

        Tensor output = norm.forward(input);
        output.sum().backward();

        Assert.Equal(0, output.abs().max().ToDouble());
        Assert.Equal(1 / Math.Sqrt(1e-5), input.grad!.max().ToDouble(), tolerance: 1e-2);
        Assert.Equal(input.grad!.max().ToDouble(), input.grad!.min().ToDouble());
    }
}
