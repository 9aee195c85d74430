using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using AdamW = Pique.Training.AdamW;

namespace Pique.Tests.Quantization;

/// <summary>The pi grid re-parametrises the uniform grid: docs/pi-quantization.md.</summary>
public sealed class PiGridTests
{
    private const int Rows = 6;
    private const int Columns = 32;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void The_best_of_all_alphas_has_the_error_of_the_best_of_all_scales(int bits)
    {
        CodeGrid grid = new(bits, GridKind.TwosComplement);
        using Generator generator = new(5);
        using Tensor weight = randn([Rows, Columns], generator: generator);
        foreach (float[] row in weight.data<float>().ToArray().Chunk(Columns))
        {
            float largest = 1.5f * row.Max(MathF.Abs);
            float smallest = largest / 64;
            double bestOfScales = double.PositiveInfinity;
            for (Half scale = (Half)smallest; (float)scale <= largest; scale = Half.BitIncrement(scale))
                bestOfScales = Math.Min(bestOfScales, SquaredError(row, (float)scale, grid));

            foreach (int k in new[] { 2, 3, 4, 5 })
            {
                // Finer than float16 is spaced, so that no step is passed over.
                double bestOfAlphas = double.PositiveInfinity;
                for (double alpha = smallest * k / Math.PI; alpha <= largest * k / Math.PI; alpha *= 1 + Math.Pow(2, -12))
                    bestOfAlphas = Math.Min(bestOfAlphas, SquaredError(row, HalfScale.Round((float)alpha * (float)(Math.PI / k)), grid));
                Assert.Equal(bestOfScales, bestOfAlphas);
            }
        }
    }

    [Theory]
    [InlineData(2, 3)]
    [InlineData(3, 4)]
    public void Under_Adam_alpha_moves_the_step_as_a_scale_does_whose_learning_rate_is_pi_over_k_of_its_own(int bits, int k)
    {
        const double LearningRate = 1e-3;
        WeightQuantizationSpec uniform = new(bits, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize());
        WeightQuantizationSpec pi = uniform with { PiK = k };
        float[] start = StepsAfter(uniform, 0);
        float[] scale = StepsAfter(uniform, LearningRate);
        float[] same = StepsAfter(pi, LearningRate);
        float[] matched = StepsAfter(pi, LearningRate * k / Math.PI);
        for (int row = 0; row < Rows; row++)
        {
            double move = scale[row] - start[row];
            Assert.NotEqual(0, move);
            Assert.Equal(move, matched[row] - start[row], Math.Abs(move) * 2e-3);
            Assert.Equal(Math.PI / k, (same[row] - start[row]) / move, 0.005);
        }
    }

    /// <summary>The steps after ten updates towards the weights doubled, which all ask for greater steps.</summary>
    private static float[] StepsAfter(WeightQuantizationSpec spec, double learningRate)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = new(8);
        Tensor weight = randn([Rows, Columns], generator: generator);
        using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, ScaleMethod.MinimumError);
        Parameter trained = quantizer.LearnedParameter!;
        using AdamW optimizer = new([new ParameterGroup("quantization", [("step", trained)], learningRate, 0)]);
        for (int update = 0; update < 10; update++)
        {
            using DisposeScope inner = NewDisposeScope();
            quantizer.forward(weight).sub(weight * 2).Squared().sum().backward();
            optimizer.Step(1);
            optimizer.ClearGradients();
        }

        using IDisposable noGradient = no_grad();
        float factor = spec.PiK is { } k ? (float)(Math.PI / k) : 1;
        return trained.detach().mul(factor).data<float>().ToArray();
    }

    private static double SquaredError(float[] weights, float scale, CodeGrid grid) => weights.Sum(weight =>
        Math.Pow(weight - ScalarQuantizer.Dequantize(ScalarQuantizer.Code(weight, scale, grid.SymmetricZeroPoint, grid), scale, grid.SymmetricZeroPoint), 2));
}
