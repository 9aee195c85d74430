using Pique.Training;
using static TorchSharp.torch;

namespace Pique.Tests.Training;

public sealed class GradientClippingTests
{
    [Fact]
    public void Gradients_3_and_4_are_scaled_from_norm_5_to_the_limit()
    {
        using Tensor a = zeros(1).requires_grad_(), b = zeros(1).requires_grad_(), idle = zeros(1).requires_grad_();
        AdamWTests.SetGradient(a, 3);
        AdamWTests.SetGradient(b, 4);
        Assert.Equal(5, GradientClipping.Clip([a, b, idle], 1), 1e-6);
        Assert.Equal(0.6, a.grad!.item<float>(), 1e-6);
        Assert.Equal(0.8, b.grad!.item<float>(), 1e-6);
    }

    [Theory]
    [InlineData(6.0)]
    [InlineData(null)]
    public void Gradients_within_the_limit_are_left_alone(double? limit)
    {
        using Tensor a = zeros(1).requires_grad_();
        AdamWTests.SetGradient(a, 5);
        Assert.Equal(5, GradientClipping.Clip([a], limit), 1e-6);
        Assert.Equal(5f, a.grad!.item<float>());
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_gradient_that_is_not_finite_shows_in_the_norm_and_changes_no_other(float bad)
    {
        using Tensor a = zeros(1).requires_grad_(), b = zeros(1).requires_grad_();
        AdamWTests.SetGradient(a, 7);
        AdamWTests.SetGradient(b, bad);
        Assert.False(double.IsFinite(GradientClipping.Clip([a, b], 1)));
        Assert.Equal(7f, a.grad!.item<float>());
    }
}
