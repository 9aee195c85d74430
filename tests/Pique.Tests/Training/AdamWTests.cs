using Pique.Training;
using static TorchSharp.torch;

namespace Pique.Tests.Training;

public sealed class AdamWTests
{
    [Fact]
    public void Three_updates_follow_the_formula_computed_in_doubles()
    {
        const double LearningRate = 0.1, Decay = 0.5, Beta1 = 0.9, Beta2 = 0.95, Epsilon = 1e-8;
        double[] gradients = [0.3, -0.2, 0.05], factors = [1, 0.5, 0.25];
        double weight = 2, first = 0, second = 0;
        using Tensor parameter = ones(1).mul_(2).requires_grad_();
        using AdamW optimizer = new([new("matrices", [("w", parameter)], LearningRate, Decay)], new() { Beta1 = Beta1, Beta2 = Beta2, Epsilon = Epsilon });
        for (int t = 1; t <= 3; t++)
        {
            double rate = LearningRate * factors[t - 1], g = gradients[t - 1];
            first = (Beta1 * first) + ((1 - Beta1) * g);
            second = (Beta2 * second) + ((1 - Beta2) * g * g);
            weight = (weight * (1 - (rate * Decay))) - (rate * (first / (1 - Math.Pow(Beta1, t))) / (Math.Sqrt(second / (1 - Math.Pow(Beta2, t))) + Epsilon));

            SetGradient(parameter, g);
            optimizer.Step(factors[t - 1]);

            Assert.Equal(weight, parameter.item<float>(), 1e-6);
        }

        Assert.Equal(3, optimizer.UpdateCount);
        Assert.Equal(["first_moment.w", "second_moment.w"], optimizer.Moments.Select(moment => moment.Name));
        Assert.Equal(first, optimizer.Moments.First().Value.item<float>(), 1e-7);
    }

    [Fact]
    public void Groups_have_their_own_rate_and_decay()
    {
        using Tensor decayed = ones(1).requires_grad_(), scale = ones(1).requires_grad_();
        using AdamW optimizer = new([new("a", [("a", decayed)], 0.1, 0.5), new("b", [("b", scale)], 0.01, 0)]);
        SetGradient(decayed, 0);
        SetGradient(scale, 4);
        optimizer.Step(1);
        Assert.Equal(0.95, decayed.item<float>(), 1e-6);
        Assert.Equal(0.99, scale.item<float>(), 1e-6);
    }

    [Fact]
    public void A_parameter_without_gradient_stays_as_it_is()
    {
        using Tensor idle = ones(1).requires_grad_();
        using AdamW optimizer = new([new("a", [("a", idle)], 0.1, 0.5)]);
        optimizer.Step(1);
        Assert.Equal(1f, idle.item<float>());
    }

    [Fact]
    public void Cleared_gradients_are_absent()
    {
        using Tensor parameter = ones(1).requires_grad_();
        using AdamW optimizer = new([new("a", [("a", parameter)], 0.1, 0.5)]);
        SetGradient(parameter, 1);
        Assert.NotNull(parameter.grad);
        optimizer.ClearGradients();
        Assert.Null(parameter.grad);
    }

    internal static void SetGradient(Tensor parameter, double value)
    {
        using Tensor gradient = full_like(parameter.detach(), value);
        parameter.grad = gradient;
    }
}
