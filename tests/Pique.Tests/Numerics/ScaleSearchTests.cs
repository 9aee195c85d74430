using Pique.Configuration;
using Pique.Numerics;
using Pique.Tests.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public sealed class ScaleSearchTests
{
    /// <summary>The reference tries every float16 scale up to twice the covering one.</summary>
    [Theory]
    [InlineData(2, true)]
    [InlineData(3, true)]
    [InlineData(4, true)]
    [InlineData(2, false)]
    [InlineData(4, false)]
    public void The_search_comes_close_to_the_best_of_all_float16_scales(int bits, bool symmetric)
    {
        const int Rows = 12;
        const int Columns = 32;
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = new(7);
        Tensor weight = randn([Rows, Columns], generator: generator);
        float[] weights = weight.data<float>().ToArray();
        CodeGrid grid = new(bits, symmetric ? GridKind.TwosComplement : GridKind.Affine);
        using GroupScales found = ScaleSearch.Find(weight, GroupLayout.For(new QuantGranularity.PerChannel(), Rows, Columns), grid, ScaleMethod.MinimumError);
        double foundError = 0, bestError = 0;
        for (int row = 0; row < Rows; row++)
        {
            float[] values = weights[(row * Columns)..((row + 1) * Columns)];
            int zeroPoint = found.ZeroPoints is { } zeros ? (int)zeros[row, 0].item<float>() : grid.SymmetricZeroPoint;
            double best = double.PositiveInfinity;
            float largest = 2 * values.Max(MathF.Abs);
            for (Half scale = (Half)0.05f; (float)scale < largest; scale = Half.BitIncrement(scale))
                best = Math.Min(best, SquaredError(values, (float)scale, zeroPoint, grid));
            double here = SquaredError(values, found.Scales[row, 0].item<float>(), zeroPoint, grid);
            Assert.True(here >= best);
            foundError += here;
            bestError += best;
        }

        Assert.InRange(foundError / bestError, 1.0, 1.01);
    }

    [Fact]
    public void The_covering_scale_keeps_every_error_within_half_a_step()
    {
        float[] weights = QuantizationCases.Weights(9, 21, seed: 3);
        foreach (QuantGranularity granularity in QuantizationCases.Granularities)
        {
            foreach (CodeGrid grid in from bits in new[] { 2, 3, 4, 5, 8 } from symmetric in new[] { true, false } select new CodeGrid(bits, symmetric ? GridKind.TwosComplement : GridKind.Affine))
            {
                using DisposeScope scope = NewDisposeScope();
                GroupLayout layout = GroupLayout.For(granularity, 9, 21);
                using GroupScales found = ScaleSearch.Find(QuantizationCases.Matrix(weights, 9, 21), layout, grid, ScaleMethod.AbsMax);
                float[] scales = found.Scales.data<float>().ToArray();
                float[]? zeroPoints = found.ZeroPoints?.data<float>().ToArray();
                for (int i = 0; i < weights.Length; i++)
                {
                    int group = (int)layout.GroupOf(i);
                    int zeroPoint = (int)(zeroPoints?[group] ?? grid.SymmetricZeroPoint);
                    float back = ScalarQuantizer.Dequantize(ScalarQuantizer.Code(weights[i], scales[group], zeroPoint, grid), scales[group], zeroPoint);
                    // A float16 scale that was rounded down, and an affine zero point off by half a step, leave the end of the range uncovered.
                    double slack = (grid.Symmetric ? 0.0 : 0.5) + (grid.MaxCode / 2048.0);
                    Assert.True(Math.Abs(weights[i] - back) <= scales[group] * (0.5 + slack), $"{granularity} {grid} {i}: {weights[i]} became {back} at scale {scales[group]}");
                }
            }
        }
    }

    /// <summary>The reference tries every float16 scale; groups shorter and longer than a kernel's step and piece.</summary>
    [Theory]
    [InlineData("row", 3, 40)]
    [InlineData("block", 3, 40)]
    [InlineData("tensor", 2, 40)]
    [InlineData("tensor", 2, 20_000)]
    public void Weighted_errors_are_minimised_as_they_are_weighed(string granularity, int rows, int columns)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor importance = rand([columns], generator: new Generator(12)).pow(HeldScalar.Of(4));
        Tensor weight = randn([rows, columns], generator: new Generator(11)).mul(importance.add(HeldScalar.Of(0.3f))); // Large where it counts.
        GroupLayout layout = GroupLayout.For(granularity switch { "row" => new QuantGranularity.PerChannel(), "tensor" => new QuantGranularity.PerTensor(), _ => new QuantGranularity.PerBlock(24) }, rows, columns);
        CodeGrid grid = new(3, GridKind.TwosComplement);

        GroupScales weighted = ScaleSearch.Find(weight, layout, grid, ScaleMethod.MinimumError, importance);
        GroupScales plain = ScaleSearch.Find(weight, layout, grid, ScaleMethod.MinimumError);
        GroupScales alike = ScaleSearch.Find(weight, layout, grid, ScaleMethod.MinimumError, full([columns], HeldScalar.Of(1000f)));

        double found = Error(weighted.Scales);
        Assert.True(found < 0.999 * Error(plain.Scales));
        Assert.Equal(plain.Scales.data<float>().ToArray(), alike.Scales.data<float>().ToArray());
        if (columns < 100 && granularity == "row")
        {
            double best = Enumerable.Range(0, rows).Sum(row => Candidates().Min(scale => LineError(scale, weight[row].unsqueeze(0), GroupLayout.PerRow(1, columns))));
            Assert.InRange(found / best, 1.0, 1.01);
        }

        double Error(Tensor scales) => GridArithmetic.FakeQuantize(weight, layout, scales, null, grid).sub(weight).Squared().mul(importance).sum(ScalarType.Float64).item<double>();

        double LineError(float scale, Tensor line, GroupLayout of) =>
            GridArithmetic.FakeQuantize(line.contiguous(), of, full(of.ScaleShape, HeldScalar.Of(scale)), null, grid).sub(line).Squared().mul(importance).sum(ScalarType.Float64).item<double>();

        static IEnumerable<float> Candidates()
        {
            for (Half scale = (Half)0.02f; scale < (Half)1.5f; scale = Half.BitIncrement(scale))
                yield return (float)scale;
        }
    }

    [Fact]
    public void Zero_groups_get_the_smallest_scale()
    {
        using Tensor weight = zeros(3, 8);
        foreach (ScaleMethod method in Enum.GetValues<ScaleMethod>())
        {
            foreach (bool symmetric in new[] { true, false })
            {
                using GroupScales found = ScaleSearch.Find(weight, GroupLayout.For(new QuantGranularity.PerBlock(3), 3, 8), new(4, symmetric ? GridKind.TwosComplement : GridKind.Affine), method);
                Assert.Equal([3, 3], found.Scales.shape);
                Assert.All(found.Scales.data<float>().ToArray(), scale => Assert.Equal(HalfScale.Floor, scale));
            }
        }
    }

    [Fact]
    public void The_mean_absolute_scale_is_that_of_lsq()
    {
        using Tensor weight = tensor(new[] { 1f, -3f, 2f, -2f }, [1, 4]);
        using GroupScales found = ScaleSearch.Find(weight, GroupLayout.For(new QuantGranularity.PerChannel(), 1, 4), new(4, GridKind.TwosComplement), ScaleMethod.MeanAbsolute);
        Assert.Equal((float)(Half)(2 * 2 / MathF.Sqrt(7)), found.Scales.item<float>());
    }

    private static double SquaredError(float[] weights, float scale, int zeroPoint, CodeGrid grid) =>
        weights.Sum(weight => Math.Pow(weight - ScalarQuantizer.Dequantize(ScalarQuantizer.Code(weight, scale, zeroPoint, grid), scale, zeroPoint), 2));
}
