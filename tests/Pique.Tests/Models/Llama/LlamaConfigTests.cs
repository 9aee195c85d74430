using Pique.Models.Families;
using Pique.Models.Llama;

namespace Pique.Tests.Models.Llama;

public class LlamaConfigTests
{
    [Theory]
    [InlineData(null, 48)]
    [InlineData(20, 20)]
    [InlineData(4096, 48)]
    public void The_usable_context_is_no_longer_than_the_window(int? window, int expected) =>
        Assert.Equal(expected, (TinyLlama.Config() with { Family = ModelFamily.Mistral, SlidingWindow = window }).UsableContextTokens);

    [Fact]
    public void A_family_is_refused_what_it_does_not_have()
    {
        Assert.Equal(
            "llama configuration: sliding_window is 8, which the family llama does not have; max_window_layers is 1, expected 0, since no window begins at a later layer. Correct these values.",
            Refusal(TinyLlama.Config() with { SlidingWindow = 8, FirstWindowedLayer = 1 }));
        Assert.Equal(
            "mistral configuration: attention_bias is true, which the family mistral does not have; sliding_window is 0, expected at least 1. Correct these values.",
            Refusal(TinyLlama.Config() with { Family = ModelFamily.Mistral, AttentionBias = true, SlidingWindow = 0 }));
        Assert.Equal(
            "qwen2 configuration: attention_bias is true, which the family qwen2 does not have; max_window_layers is 2, expected 0 to 1. Correct these values.",
            Refusal(TinyLlama.Config() with { Family = ModelFamily.Qwen2, AttentionBias = true, SlidingWindow = 8, FirstWindowedLayer = 2 }));
    }

    [Fact]
    public void Faults_of_scaled_positions_are_named() => Assert.Equal(
        "qwen3 configuration: rope_scaling: factor is 0, expected a finite number above 0; rope_scaling: high_freq_factor is 1, expected a finite number above low_freq_factor 2. Correct these values.",
        Refusal(TinyLlama.Config() with { Family = ModelFamily.Qwen3, RopeScaling = new RopeScaling.Llama3(0f, 2f, 1f, 10) }));

    private static string Refusal(LlamaConfig config) => Assert.Throws<InputException>(() => new LlamaModel(config)).Message;
}
