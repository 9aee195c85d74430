using Pique.Configuration;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

/// <summary>What the grids can do at best on N(0,1), and that the scale search does it. See docs/math.md §1.</summary>
public sealed class GaussianOracleTests
{
    private const int SampleSide = 1024;

    /// <summary>Two float16 values lie up to 1/1024 apart.</summary>
    private const double StepTolerance = 1.0 / 1024;
    private const double ToleranceDecibels = 0.002;

    /// <summary>Mid-quantiles hold slightly less of the tail, which is most of the little that eight bits lose.</summary>
    private const double EightBitToleranceDecibels = 0.02;

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0.5, 0.47950012218695346)]
    [InlineData(1, 0.15729920705028513)]
    [InlineData(2.4, 0.0006885138966450789)]
    [InlineData(2.6, 0.00023603441652934920)]
    [InlineData(4, 1.5417257900280018e-8)]
    [InlineData(-1, 1.8427007929497148)]
    public void The_error_function_has_the_tabulated_values(double x, double expected) =>
        Assert.InRange(GaussianExpectation.Erfc(x), expected - 1e-13, expected + 1e-13);

    /// <summary>The steps of the half-integer grid are also those that Max 1960, "Quantizing for minimum distortion", gives for 4 to 32 levels.</summary>
    [Theory]
    [InlineData(GridKind.TwosComplement, 2, false, 1.0484, 8.26)]
    [InlineData(GridKind.TwosComplement, 3, false, 0.6018, 13.91)]
    [InlineData(GridKind.TwosComplement, 4, false, 0.3386, 19.26)]
    [InlineData(GridKind.TwosComplement, 5, false, 0.1888, 24.53)]
    [InlineData(GridKind.TwosComplement, 8, false, 0.0308, 40.57)]
    [InlineData(GridKind.TwosComplement, 2, true, 1.2240, 7.21)]
    [InlineData(GridKind.TwosComplement, 3, true, 0.6508, 13.29)]
    [InlineData(GridKind.TwosComplement, 4, true, 0.3534, 18.90)]
    [InlineData(GridKind.TwosComplement, 5, true, 0.1932, 24.33)]
    [InlineData(GridKind.TwosComplement, 8, true, 0.0309, 40.54)]
    [InlineData(GridKind.HalfInteger, 2, false, 0.9957, 9.25)]
    [InlineData(GridKind.HalfInteger, 3, false, 0.5860, 14.27)]
    [InlineData(GridKind.HalfInteger, 4, false, 0.3352, 19.38)]
    [InlineData(GridKind.HalfInteger, 5, false, 0.1881, 24.57)]
    [InlineData(GridKind.HalfInteger, 8, false, 0.0308, 40.57)]
    public void The_best_step_and_its_sqnr_are_those_of_record(GridKind kind, int bits, bool narrow, double step, double decibels)
    {
        double[] levels = GaussianExpectation.Levels(new CodeGrid(bits, kind), narrow);
        double best = GaussianExpectation.BestStep(levels);

        Assert.Equal((1 << bits) - (narrow ? 1 : 0), levels.Length);
        Assert.Equal(step, Math.Round(best, 4));
        Assert.Equal(decibels, Math.Round(GaussianExpectation.Decibels(GaussianExpectation.SquaredError(levels, best)), 2));
    }

    /// <summary>The weights are the 2^20 mid-quantiles of N(0,1): random samples of that count scatter by some 0.03 dB of their own.</summary>
    [Theory]
    [InlineData(GridKind.TwosComplement, 2)]
    [InlineData(GridKind.TwosComplement, 3)]
    [InlineData(GridKind.TwosComplement, 4)]
    [InlineData(GridKind.TwosComplement, 5)]
    [InlineData(GridKind.TwosComplement, 8)]
    [InlineData(GridKind.HalfInteger, 2)]
    [InlineData(GridKind.HalfInteger, 3)]
    [InlineData(GridKind.HalfInteger, 4)]
    [InlineData(GridKind.HalfInteger, 5)]
    [InlineData(GridKind.HalfInteger, 8)]
    public void The_search_reaches_the_best_step_and_its_sqnr(GridKind kind, int bits)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = MidQuantiles();
        GroupLayout layout = GroupLayout.For(new QuantGranularity.PerTensor(), SampleSide, SampleSide);
        CodeGrid grid = new(bits, kind);
        using GroupScales found = ScaleSearch.Find(weight, layout, grid, ScaleMethod.MinimumError);
        double decibels = QuantizationError.Measure(weight, GridArithmetic.FakeQuantize(weight, layout, found.Scales, null, grid)).SqnrDecibels;

        double[] levels = GaussianExpectation.Levels(grid);
        double best = GaussianExpectation.BestStep(levels);
        double tolerance = bits == 8 ? EightBitToleranceDecibels : ToleranceDecibels;
        double expected = GaussianExpectation.Decibels(GaussianExpectation.SquaredError(levels, best));
        Assert.InRange(found.Scales.item<float>(), best * (1 - StepTolerance), best * (1 + StepTolerance));
        Assert.InRange(decibels, expected - tolerance, expected + tolerance);
    }

    private static Tensor MidQuantiles()
    {
        const int Count = SampleSide * SampleSide;
        Tensor probabilities = arange(Count, dtype: ScalarType.Float64).add(0.5).div(Count);
        return probabilities.mul(2).sub(1).erfinv().mul(Math.Sqrt(2)).to(ScalarType.Float32).view(SampleSide, SampleSide);
    }
}
