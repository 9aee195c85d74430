using Pique.Configuration;
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
    public void Clipped_gradients_enter_the_moments_as_if_they_had_been_scaled()
    {
        using Tensor parameter = ones(1).requires_grad_();
        using AdamW optimizer = new([new("a", [("a", parameter)], 0.1, 0)]);
        SetGradient(parameter, 8);
        optimizer.Step(1, gradientFactor: 0.25);
        Assert.Equal(0.2, optimizer.Moments.First().Value.item<float>(), 1e-6);
        Assert.Equal(0.2, optimizer.Moments.Last().Value.item<float>(), 1e-6);
        Assert.Equal(8f, parameter.grad!.item<float>());
    }

    [Fact]
    public void Moments_in_eight_bits_are_named_with_their_scales_and_follow_those_in_float32()
    {
        using Tensor exact = zeros(64, 65).requires_grad_(), coded = zeros(64, 65).requires_grad_(), small = zeros(3).requires_grad_();
        using AdamW reference = new([new("a", [("w", exact)], 0.01, 0)]);
        using AdamW optimizer = new([new("a", [("w", coded), ("s", small)], 0.01, 0)], new() { States = OptimizerStates.Int8 });
        Assert.Equal(
            ["first_moment.w", "second_moment.w", "first_moment_scale.w", "second_moment_scale.w", "first_moment.s", "second_moment.s"],
            optimizer.Moments.Select(moment => moment.Name));
        Assert.Equal(
            ["Byte 64 65", "Byte 64 65", "Float32 17", "Float32 17", "Float32 3", "Float32 3"],
            optimizer.Moments.Select(moment => $"{moment.Value.dtype} {string.Join(' ', moment.Value.shape)}"));
        using Generator generator = new(1);
        for (int step = 0; step < 50; step++)
        {
            using Tensor gradient = randn([64, 65], generator: generator).add_(0.3f);
            exact.grad = gradient;
            coded.grad = gradient;
            reference.Step(1);
            optimizer.Step(1);
        }

        // Fifty steps of up to 0.01 lead to about -0.15; codes move single weights by a few steps of rounding, and the mean by much less.
        using Tensor difference = coded.detach().sub(exact.detach());
        Assert.InRange(exact.mean().item<float>(), -0.3f, -0.1f);
        Assert.InRange(difference.abs().max().item<float>(), 1e-6f, 0.03f);
        Assert.InRange(difference.mean().item<float>(), -0.003f, 0.003f);
    }

    [Fact]
    public void A_bfloat16_parameter_moves_by_updates_below_its_last_bit_the_same_way_in_every_run_of_a_seed()
    {
        float[] first = Run(1), second = Run(1), other = Run(2);
        Assert.Equal(first, second);
        Assert.NotEqual(first, other);

        // Thirty steps of 1e-4, where the next bfloat16 below 1 is 0.0039 away: rounding to nearest would never leave 1.
        Assert.Equal(1 - (30 * 1e-4), first.Average(), 2e-4);

        static float[] Run(long seed)
        {
            using Tensor parameter = ones(100, 100, ScalarType.BFloat16).requires_grad_();
            using AdamW optimizer = new([new("a", [("w", parameter)], 1e-4, 0)], new() { Seed = seed });
            using Tensor gradient = ones(100, 100);
            parameter.grad = gradient;
            for (int step = 0; step < 30; step++)
                optimizer.Step(1);
            Assert.Equal(ScalarType.Float32, parameter.grad!.dtype);
            using Tensor widened = parameter.detach().to(ScalarType.Float32);
            return widened.data<float>().ToArray();
        }
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
