using Pique.Configuration;
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
}
