using Pique.Training;
using static TorchSharp.torch;

namespace Pique.Tests.Training;

public sealed class GradientClippingTests
{
    [Fact]
    public void The_norm_is_over_all_gradients_and_leaves_them_alone()
    {
        using Tensor a = zeros(1).requires_grad_(), b = zeros(1).requires_grad_(), idle = zeros(1).requires_grad_();
        AdamWTests.SetGradient(a, 3);
        AdamWTests.SetGradient(b, 4);
        Assert.Equal(5, GradientClipping.Norm([a, b, idle]), 1e-6);
        Assert.Equal(3f, a.grad!.item<float>());
        Assert.Equal(4f, b.grad!.item<float>());
    }

    [Theory]
    [InlineData(5, 1.0, 0.2)]
    [InlineData(5, 6.0, 1)]
    [InlineData(5, 5.0, 1)]
    [InlineData(5, null, 1)]
    [InlineData(double.NaN, 1.0, 1)]
    [InlineData(double.PositiveInfinity, 1.0, 1)]
    public void Gradients_beyond_the_limit_are_to_be_scaled_down_to_it(double norm, double? limit, double factor) =>
        Assert.Equal(factor, GradientClipping.Factor(norm, limit));

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_gradient_that_is_not_finite_shows_in_the_norm(float bad)
    {
        using Tensor a = zeros(1).requires_grad_(), b = zeros(1).requires_grad_();
        AdamWTests.SetGradient(a, 7);
        AdamWTests.SetGradient(b, bad);
        Assert.False(double.IsFinite(GradientClipping.Norm([a, b])));
    }
}
