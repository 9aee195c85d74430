using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;

namespace Pique.Tests.Quantization;

public sealed class QuantizationPolicyTests
{
    private static readonly QatConfig Config = new()
    {
        Bits = 3,
        PiK = 4,
        SteVariant = new SteVariant.LearnedStepSize(),
        Granularity = new QuantGranularity.PerChannel(),
    };

    private static readonly Recipe Chosen = new()
    {
        Qat = Config,
        Grid = WeightGrid.HalfInteger,
        Estimator = new SteVariant.EwgsSigned(0.5f),
        PiKPerChannel = true,
        OscillationDampening = 0.25f,
    };

    [Fact]
    public void Without_overrides_every_layer_follows_the_configuration() => Assert.Equal(
        new WeightQuantizationSpec(3, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize(), 4),
        QuantizationPolicy.From(Config, []).SpecFor("model.layers.0.mlp.up_proj"));

    [Fact]
    public void The_default_overrides_keep_embedding_and_head_at_eight_bits_on_the_uniform_grid()
    {
        QuantizationPolicy policy = QuantizationPolicy.From(Config, LayerOverride.Defaults);
        WeightQuantizationSpec expected = new(8, new QuantGranularity.PerBlock(32), new SteVariant.LearnedStepSize());
        Assert.Equal(expected, policy.SpecFor("model.embed_tokens"));
        Assert.Equal(expected, policy.SpecFor("lm_head"));
        Assert.Equal(3, policy.SpecFor("model.layers.0.self_attn.q_proj")!.Bits);
    }

    [Fact]
    public void The_last_matching_override_wins()
    {
        QuantizationPolicy policy = QuantizationPolicy.From(Config,
        [
            new() { Pattern = "*", FullPrecision = true },
            new() { Pattern = "*mlp*", Granularity = new QuantGranularity.PerBlock(16) },
            new() { Pattern = "*down_proj", Bits = 5 },
        ]);
        Assert.Null(policy.SpecFor("lm_head"));
        Assert.Equal(new(3, new QuantGranularity.PerBlock(16), new SteVariant.LearnedStepSize(), 4), policy.SpecFor("mlp.up_proj"));
        Assert.Equal(new(5, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize()), policy.SpecFor("mlp.down_proj"));
    }

    [Theory]
    [InlineData(WeightGrid.Auto, GridKind.TwosComplement, false)]
    [InlineData(WeightGrid.TwosComplement, GridKind.TwosComplement, false)]
    [InlineData(WeightGrid.HalfInteger, GridKind.HalfInteger, false)]
    [InlineData(WeightGrid.TwoLevel, GridKind.TwosComplement, true)]
    public void The_grid_of_a_recipe_is_where_the_levels_lie(WeightGrid grid, GridKind kind, bool twoLevelScales)
    {
        WeightQuantizationSpec spec = QuantizationPolicy.From(new Recipe { Grid = grid }).Base;

        Assert.Equal((kind, twoLevelScales), (spec.Kind, spec.TwoLevelScales));
    }

    [Fact]
    public void A_recipe_without_choices_of_its_own_has_the_policy_of_its_configuration() => Assert.All(
        (QatConfig[])[Config, Config with { Symmetric = false }, QatConfig.Default],
        config => Assert.Equal(QuantizationPolicy.From(config, []).Base, QuantizationPolicy.From(new Recipe { Qat = config }).Base));

    [Fact]
    public void Every_choice_of_a_recipe_reaches_its_weights() => Assert.Equal(
        new WeightQuantizationSpec(3, new QuantGranularity.PerChannel(), new SteVariant.EwgsSigned(0.5f), 4, GridKind.HalfInteger) { PiKPerChannel = true, OscillationDampening = 0.25f },
        QuantizationPolicy.From(Chosen).SpecFor("mlp.up_proj"));

    [Fact]
    public void An_override_of_bits_leaves_the_chosen_grid_and_keeps_estimator_and_dampening() => Assert.Equal(
        new WeightQuantizationSpec(8, new QuantGranularity.PerBlock(32), new SteVariant.EwgsSigned(0.5f)) { OscillationDampening = 0.25f },
        QuantizationPolicy.From(Chosen).SpecFor("lm_head"));

    [Fact]
    public void An_override_of_granularity_keeps_the_chosen_grid()
    {
        Recipe recipe = new()
        {
            Qat = Config with { PiK = null, Granularity = new QuantGranularity.PerBlock(16) },
            Grid = WeightGrid.TwoLevel,
            Overrides = [new() { Pattern = "a", Granularity = new QuantGranularity.PerBlock(32) }, new() { Pattern = "b", Bits = 3 }],
        };
        QuantizationPolicy policy = QuantizationPolicy.From(recipe);

        Assert.Equal(policy.Base with { Granularity = new QuantGranularity.PerBlock(32) }, policy.SpecFor("a"));
        Assert.Equal(policy.Base with { TwoLevelScales = false }, policy.SpecFor("b"));
    }

    [Fact]
    public void An_override_of_bits_stays_affine_under_an_asymmetric_configuration() => Assert.Equal(
        GridKind.Affine,
        QuantizationPolicy.From(new Recipe { Qat = new QatConfig { Symmetric = false } }).SpecFor("lm_head")!.Kind);

    [Fact]
    public void Bits_left_to_calibration_are_unknown_until_they_are_told()
    {
        LayerOverride open = new() { Pattern = "mlp*", AverageBits = 2.5f, Granularity = new QuantGranularity.PerBlock(16) };
        QuantizationPolicy policy = QuantizationPolicy.From(Chosen with { Overrides = [open, new() { Pattern = "mlp.gate", Bits = 8 }] });

        Assert.True(policy.ChoosesBits);
        Assert.Equal((open, null, null), (policy.AutomaticOverride("mlp.up"), policy.AutomaticOverride("mlp.gate"), policy.AutomaticOverride("attention")));
        Assert.Equal(
            "mlp.up: its bits are left to calibration, which has not chosen them yet.",
            Assert.Throws<InvalidOperationException>(() => policy.SpecFor("mlp.up")).Message);
        WeightQuantizationSpec expected = new(5, new QuantGranularity.PerBlock(16), new SteVariant.EwgsSigned(0.5f)) { OscillationDampening = 0.25f };
        Assert.Equal(expected, policy.SpecAt("mlp.up", 5));
        Assert.Equal(expected, policy.WithBits(new Dictionary<string, int> { ["mlp.up"] = 5 }).SpecFor("mlp.up"));
        Assert.False(QuantizationPolicy.From(Chosen).ChoosesBits);
    }
}
