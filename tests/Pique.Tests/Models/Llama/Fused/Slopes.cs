using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Llama;

/// <summary>Gradients held against finite differences, value by value.</summary>
internal static class Slopes
{
    private const double Step = 1e-2;

    /// <summary>Compares the gradients of Σ output·upstream that a backward pass leaves with differences of fourth order.</summary>
    /// <param name="outputs">Computes the outputs from the inputs; it may overwrite what it is told is fresh, never the inputs.</param>
    /// <param name="inputs">float32; each is given a gradient.</param>
    /// <remarks>Outputs are float32, so a difference is off by some 1e-7 / step = 1e-5; sums are taken in float64.</remarks>
    public static void AssertGradients(Func<Tensor[], Tensor[]> outputs, params Tensor[] inputs)
    {
        foreach (Tensor input in inputs)
            input.requires_grad_();
        Tensor loss = Loss();
        loss.backward();
        Tensor[] gradients = [.. inputs.Select(input => input.grad!.clone())];

        using IDisposable noGradients = no_grad();
        foreach ((Tensor input, Tensor gradient) in inputs.Zip(gradients))
        {
            Tensor values = input.view(-1), slopes = gradient.contiguous().view(-1);
            for (long i = 0; i < values.numel(); i++)
            {
                float start = values[i].ToSingle();
                double slope = ((8 * (LossAt(Step) - LossAt(-Step))) - (LossAt(2 * Step) - LossAt(-2 * Step))) / (12 * Step);
                values[i] = start;
                Assert.Equal(slope, slopes[i].ToDouble(), 1e-3);

                double LossAt(double distance)
                {
                    using DisposeScope scope = NewDisposeScope();
                    values[i] = (float)(start + distance);
                    return Loss().ToDouble();
                }
            }
        }

        Tensor Loss()
        {
            Tensor[] results = outputs(inputs);
            return results.Select((result, index) => result.to(ScalarType.Float64).mul(Upstream(index, result.shape)).sum()).Aggregate((left, right) => left.add(right));
        }
    }

    private static Tensor Upstream(int index, long[] shape)
    {
        using Generator generator = new((ulong)index + 100, CPU);
        return randn(shape, ScalarType.Float64, generator: generator);
    }
}
