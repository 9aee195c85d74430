using Pique.Numerics;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public class IncoherenceTests
{
    // max|w|·√(mn)/‖W‖_F, worked by hand.
    [Theory]
    [InlineData(1, new float[] { 2, -2, 2, -2, -2, 2 })]
    [InlineData(2.449489742783178, new float[] { 0, 0, 0, -7, 0, 0 })] // √6
    [InlineData(1.7320508075688772, new float[] { 1, 1, 0, -2, 1, 1 })] // 2·√6/√8
    [InlineData(1.7320508075688772, new float[] { 1e30f, 1e30f, 0, -2e30f, 1e30f, 1e30f })]
    [InlineData(1.7320508075688772, new float[] { 1e-30f, 1e-30f, 0, -2e-30f, 1e-30f, 1e-30f })]
    [InlineData(1, new float[] { 0, 0, 0, 0, 0, 0 })]
    [InlineData(1, new float[] { })]
    public void It_is_the_largest_weight_over_the_root_mean_square(double expected, float[] weights)
    {
        using Tensor weight = tensor(weights).view(-1, 3);

        Assert.Equal(expected, Incoherence.Measure(weight), 1e-6);
    }

    [Fact]
    public void Gaussian_weights_have_about_the_root_of_twice_the_logarithm_of_their_number()
    {
        using Generator generator = new(5, CPU);
        using Tensor weight = randn(512, 512, generator: generator);

        Assert.Equal(Math.Sqrt(2 * Math.Log(512 * 512)), Incoherence.Measure(weight), 0.5);
    }
}
