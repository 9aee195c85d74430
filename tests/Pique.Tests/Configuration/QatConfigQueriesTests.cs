using Pique.Configuration;

namespace Pique.Tests.Configuration;

public class QatConfigQueriesTests
{
    [Fact]
    public void Presets_differ_from_the_default_as_documented()
    {
        Assert.Equal(QatConfig.Default with { Bits = 5 }, QatConfig.WithBits(5));
        Assert.Equal(QatConfig.Default with { Bits = 3, PiK = 4, SteVariant = new SteVariant.LearnedStepSize() }, QatConfig.PiQ3);
        Assert.Equal(QatConfig.Default with { Bits = 2, PiK = 3, SteVariant = new SteVariant.LearnedStepSize(), UseIncoherence = true }, QatConfig.PiQ2);
    }

    [Theory]
    [InlineData(2, 4, -2, 1)]
    [InlineData(8, 256, -128, 127)]
    public void The_grid_follows_the_bits(int bits, int levels, int minimum, int maximum)
    {
        QatConfig config = QatConfig.WithBits(bits);
        Assert.Equal(levels, config.LevelCount);
        Assert.Equal((minimum, maximum), config.SymmetricRange);
    }

    [Fact]
    public void Nominal_bits_and_parameter_counts_follow_the_granularity()
    {
        QatConfig perTensor = new() { Granularity = new QuantGranularity.PerTensor() };
        QatConfig perToken = new() { Granularity = new QuantGranularity.PerToken() };
        QatConfig perBlock = new() { Granularity = new QuantGranularity.PerBlock(32) };
        Assert.Equal((4.0625f, 2L), (perTensor.NominalBitsPerWeight, perTensor.ParameterCount(4099, 7)));
        Assert.Equal((4.125f, 14L), (QatConfig.Default.NominalBitsPerWeight, QatConfig.Default.ParameterCount(4099, 7)));
        Assert.Equal((4.25f, 1170L), (perToken.NominalBitsPerWeight, perToken.ParameterCount(4099, 7)));
        Assert.Equal((4.5f, 258L), (perBlock.NominalBitsPerWeight, perBlock.ParameterCount(4099, 7)));
        Assert.Equal(0, perBlock.ParameterCount(0, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => perBlock.ParameterCount(16, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => perBlock.ParameterCount(-1, 1));
    }

    [Fact]
    public void Stored_bits_count_codes_scales_and_zero_points()
    {
        QatConfig perBlock = new() { Granularity = new QuantGranularity.PerBlock(32) };
        Assert.Equal(4.5, perBlock.StoredBitsPerWeight(64, 128));
        // 130 inputs: four blocks of 32 and a tail of 2, five scales a row.
        Assert.Equal(4 + (5 * 16 / 130.0), perBlock.StoredBitsPerWeight(64, 130));
        Assert.Equal((16 + 16) / 5.0, (QatConfig.Default with { Bits = 3 }).StoredBitsPerWeight(64, 5));
        Assert.Equal(4.75, (perBlock with { Symmetric = false }).StoredBitsPerWeight(64, 128));
        Assert.Equal(4.125, QatConfig.Default.StoredBitsPerWeight(64, 128));
        Assert.Equal(4 + (16 / 8192.0), (perBlock with { Granularity = new QuantGranularity.PerTensor() }).StoredBitsPerWeight(64, 128));
        Assert.Throws<ArgumentOutOfRangeException>(() => perBlock.StoredBitsPerWeight());
        Assert.Throws<ArgumentOutOfRangeException>(() => perBlock.StoredBitsPerWeight(64, 0));
        Assert.Throws<OverflowException>(() => perBlock.StoredBitsPerWeight(long.MaxValue, 2));
    }

    [Fact]
    public void Loss_weights_without_a_positive_sum_normalize_to_the_default()
    {
        QatLossWeights zero = new() { LambdaTask = 0, LambdaKd = 0, LambdaReasoning = 0, KdTemperature = 7 };
        Assert.Equal(QatLossWeights.Default, zero.Normalized);
        Assert.Equal(QatLossWeights.Default, (zero with { LambdaTask = float.NaN }).Normalized);
        Assert.Equal("QatLossWeights { LambdaTask = 1, LambdaKd = 0.5, LambdaReasoning = 0.2, KdTemperature = 3 }", zero.Normalized.ToString());
        QatLossWeights heavy = QatLossWeights.DistillationHeavy.Normalized;
        Assert.Equal(1.0f, heavy.LambdaTask + heavy.LambdaKd + heavy.LambdaReasoning, 1e-6f);
        Assert.Equal(4.0f, heavy.KdTemperature);
        Assert.Equal((1.0f, 0.3f, 0.5f, 2.0f), (QatLossWeights.ReasoningFocused.LambdaTask, QatLossWeights.ReasoningFocused.LambdaKd, QatLossWeights.ReasoningFocused.LambdaReasoning, QatLossWeights.ReasoningFocused.KdTemperature));
    }

    [Fact]
    public void Numbers_that_are_not_finite_are_faults()
    {
        QatConfig config = new() { LearningRate = float.PositiveInfinity, GradClip = float.NaN, WeightDecay = float.NaN };
        Assert.Equal(["learning_rate", "grad_clip", "weight_decay"], config.Validate().Select(fault => fault.Path));
        Assert.Equal("grad_clip: found NaN, expected a finite number greater than zero; set it to a value as 1.0, or to null for no clipping.", config.Validate()[1].ToString());
    }
}
