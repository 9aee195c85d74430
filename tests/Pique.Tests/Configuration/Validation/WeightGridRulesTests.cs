using Pique.Configuration;
using Pique.Numerics;

namespace Pique.Tests.Configuration.Validation;

public class WeightGridRulesTests
{
    private static readonly QatConfig Blocks = new() { Bits = 3, Granularity = new QuantGranularity.PerBlock(16) };

    [Fact]
    public void Two_levels_are_allowed_exactly_where_k_quants_have_them() => Assert.All(
        from bits in new[] { 2, 3, 4, 5, 8 } from blockSize in new[] { 1, 8, 16, 32, 64, 256 } select (bits, blockSize),
        grid => Assert.Equal(TwoLevelScale.Exists(grid.bits, grid.blockSize), WeightGridRules.HasTwoLevels(grid.bits, new QuantGranularity.PerBlock(grid.blockSize))));

    [Fact]
    public void An_override_of_bits_leaves_the_two_level_grid_and_one_of_granularity_does_not()
    {
        QuantGranularity perChannel = new QuantGranularity.PerChannel();
        Recipe recipe = new()
        {
            Grid = WeightGrid.TwoLevel,
            Qat = Blocks,
            Overrides =
            [
                new() { Pattern = "a", Bits = 8, Granularity = perChannel },
                new() { Pattern = "b", Granularity = new QuantGranularity.PerBlock(32) },
                new() { Pattern = "c", Granularity = perChannel },
                new() { Pattern = "d", FullPrecision = true },
            ],
        };

        Assert.Equal(["overrides[2].granularity"], recipe.ValidateQuantization().Select(fault => fault.Path));
    }

    [Fact]
    public void Half_integers_are_allowed_at_every_bits_and_granularity() => Assert.All(
        from bits in new[] { 2, 3, 4, 5, 8 } from granularity in new QuantGranularity[] { new QuantGranularity.PerTensor(), new QuantGranularity.PerToken(), new QuantGranularity.PerBlock(7) } select (bits, granularity),
        choice => Assert.Empty(new Recipe { Grid = WeightGrid.HalfInteger, Qat = new QatConfig { Bits = choice.bits, Granularity = choice.granularity } }.ValidateQuantization()));

    [Fact]
    public void Every_fault_of_a_quantization_comes_at_once_without_those_of_model_and_data()
    {
        Recipe recipe = new()
        {
            Qat = Blocks with { Symmetric = false, Bits = 4 },
            ActivationBits = 1,
            Grid = WeightGrid.TwoLevel,
            Estimator = new SteVariant.Standard(),
            PiKPerChannel = true,
            OscillationDampening = float.NaN,
            Overrides = [new() { Pattern = "a", Bits = 6 }],
        };

        Assert.Equal(
            ["activation_bits", "grid", "grid", "estimator", "pi_k_per_channel", "oscillation_dampening", "overrides[0].bits"],
            recipe.ValidateQuantization().Select(fault => fault.Path));
        Assert.Equal(["model", "data"], recipe.Validate().Select(fault => fault.Path).Except(recipe.ValidateQuantization().Select(fault => fault.Path)));
    }

    [Fact]
    public void An_override_is_not_blamed_for_a_configuration_without_two_levels()
    {
        Recipe recipe = new()
        {
            Grid = WeightGrid.TwoLevel,
            Qat = Blocks with { Bits = 8 },
            Overrides = [new() { Pattern = "a", Granularity = new QuantGranularity.PerTensor() }],
        };

        Assert.Equal(["grid"], recipe.ValidateQuantization().Select(fault => fault.Path));
    }
}
