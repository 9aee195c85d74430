using Pique.Configuration;
using Pique.Numerics;
using Pique.Numerics.Kernels;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public sealed class AdamWUpdateTests
{
    [Theory]
    [InlineData(OptimizerStates.Float32, ScalarType.Float32)]
    [InlineData(OptimizerStates.Float32, ScalarType.BFloat16)]
    [InlineData(OptimizerStates.Int8, ScalarType.Float32)]
    [InlineData(OptimizerStates.Int8, ScalarType.BFloat16)]
    public void Every_form_writes_the_bits_of_the_scalar_reference(OptimizerStates states, ScalarType weightType)
    {
        using AdamWSample reference = new(states, weightType), untouched = new(states, weightType);
        Run(reference, KernelForm.Scalar);
        Assert.All(reference.Written.Zip(untouched.Written).Where(pair => pair.First.Length > 64), pair => Assert.NotEqual(pair.First, pair.Second));
        foreach (KernelForm form in Enum.GetValues<KernelForm>())
        {
            using AdamWSample sample = new(states, weightType);
            Run(sample, form);
            Assert.All(reference.Written.Zip(sample.Written), pair => Assert.Equal(pair.First, pair.Second));
        }
    }

    [Fact]
    public void Three_updates_agree_with_the_formula_in_float64_to_rounding()
    {
        using AdamWSample sample = new(OptimizerStates.Float32, ScalarType.Float32);
        foreach (AdamWTarget target in sample.Targets)
        {
            float[] gradients = AdamWSample.Values(target.Gradient);
            double[] weights = [.. AdamWSample.Values(target.Weight)], first = new double[weights.Length], second = new double[weights.Length];
            for (int update = 1; update <= 3; update++)
            {
                AdamWRule rule = AdamWSample.Rule with { UpdateCount = update };
                AdamWUpdate.Run([target], rule);
                for (int i = 0; i < weights.Length; i++)
                {
                    double gradient = gradients[i] * rule.GradientFactor;
                    first[i] = (0.9 * first[i]) + (0.1 * gradient);
                    second[i] = (0.95 * second[i]) + (0.05 * gradient * gradient);
                    weights[i] *= 1 - (target.LearningRate * target.WeightDecay);
                    weights[i] -= target.LearningRate * (first[i] / (1 - Math.Pow(0.9, update))) / (Math.Sqrt(second[i] / (1 - Math.Pow(0.95, update))) + 1e-8);
                }
            }

            // Some ten roundings of float32 in each update, relative to weights of 1 and to each moment.
            Assert.All(AdamWSample.Values(target.Weight).Zip(weights), pair => Assert.Equal(pair.Second, pair.First, 1e-6 * Math.Max(1, Math.Abs(pair.Second))));
            Assert.All(AdamWSample.Values(target.Moments.First).Zip(first), pair => Assert.Equal(pair.Second, pair.First, 1e-6 * Math.Abs(pair.Second)));
            Assert.All(AdamWSample.Values(target.Moments.Second).Zip(second), pair => Assert.Equal(pair.Second, pair.First, (1e-6 * pair.Second) + 1e-37));
        }
    }

    [Fact]
    public void The_kernel_and_plain_operations_agree_to_rounding()
    {
        using AdamWSample kernel = new(OptimizerStates.Float32, ScalarType.Float32), plain = new(OptimizerStates.Float32, ScalarType.Float32);
        using IDisposable guard = no_grad();
        for (int update = 1; update <= 3; update++)
        {
            Run(kernel, KernelForms.Best, update);
            foreach (AdamWTarget target in plain.Targets)
                AdamWUpdate.RunPlain(target, AdamWSample.Rule with { UpdateCount = update });
        }

        foreach ((AdamWTarget ours, AdamWTarget theirs) in kernel.Targets.Zip(plain.Targets))
            Assert.All(AdamWSample.Values(ours.Weight).Zip(AdamWSample.Values(theirs.Weight)), pair => Assert.Equal(pair.Second, pair.First, 1e-6 * Math.Max(1, Math.Abs(pair.Second))));
    }

    [Fact]
    public void The_factor_of_clipping_does_what_smaller_gradients_would_and_leaves_them_as_they_are()
    {
        using AdamWSample folded = new(OptimizerStates.Int8, ScalarType.Float32), scaled = new(OptimizerStates.Int8, ScalarType.Float32);
        using IDisposable guard = no_grad();
        byte[][] before = [.. folded.Targets.Select(target => target.Gradient.bytes.ToArray())];
        foreach (AdamWTarget target in scaled.Targets)
            target.Gradient.mul_(HeldScalar.Of(0.37f));
        AdamWUpdate.Run(folded.Targets, AdamWSample.Rule);
        AdamWUpdate.Run(scaled.Targets, AdamWSample.Rule with { GradientFactor = 1 });
        Assert.All(folded.Written.Zip(scaled.Written), pair => Assert.Equal(pair.Second, pair.First));
        Assert.Equal(before, folded.Targets.Select(target => target.Gradient.bytes.ToArray()));
    }

    [Fact]
    public void What_the_kernel_cannot_reach_is_updated_all_the_same()
    {
        using AdamWSample whole = new(OptimizerStates.Float32, ScalarType.Float32);
        AdamWTarget target = whole.Targets[6];
        using Tensor strided = target.Weight.reshape(64, 64).t().contiguous().t(), stridedGradient = target.Gradient.reshape(64, 64).t().contiguous().t();
        using Tensor contiguous = target.Weight.reshape(64, 64).clone();
        Assert.False(strided.is_contiguous());
        using AdamWMoments states = AdamWMoments.Create(strided, OptimizerStates.Int8), others = AdamWMoments.Create(contiguous, OptimizerStates.Float32);
        Assert.False(states.IsCoded);
        AdamWUpdate.Run([target with { Weight = strided, Gradient = stridedGradient, Moments = states }, target with { Weight = contiguous, Gradient = stridedGradient, Moments = others }], AdamWSample.Rule);
        AdamWUpdate.Run([target], AdamWSample.Rule);
        Assert.Equal(AdamWSample.Values(target.Weight), AdamWSample.Values(contiguous));
        Assert.All(AdamWSample.Values(target.Weight).Zip(AdamWSample.Values(strided)), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
    }

    [Fact]
    public void The_number_of_threads_changes_nothing()
    {
        using AdamWSample one = new(OptimizerStates.Int8, ScalarType.BFloat16), two = new(OptimizerStates.Int8, ScalarType.BFloat16);
        int threads = KernelThreads.Count;
        try
        {
            KernelThreads.Limit(1);
            Run(one, KernelForms.Best);
            KernelThreads.Limit(2);
            Run(two, KernelForms.Best);
        }
        finally
        {
            KernelThreads.Limit(threads);
        }

        Assert.Equal(one.Written, two.Written);
    }

    [Fact]
    public void Small_parameters_keep_float32_moments()
    {
        using AdamWSample sample = new(OptimizerStates.Int8, ScalarType.Float32);
        Assert.All(sample.Targets, target => Assert.Equal(target.Weight.numel() >= 4096, target.Moments.IsCoded));
    }

    private static void Run(AdamWSample sample, KernelForm form, int update = 3) => AdamWUpdate.Run(sample.Targets, AdamWSample.Rule with { UpdateCount = update }, form);
}
