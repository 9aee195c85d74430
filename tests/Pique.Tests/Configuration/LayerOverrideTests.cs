using Pique.Configuration;

namespace Pique.Tests.Configuration;

public class LayerOverrideTests
{
    [Theory]
    [InlineData("*embed_tokens", "model.embed_tokens", true)]
    [InlineData("*embed_tokens", "model.embed_tokens.weight", false)]
    [InlineData("lm_head", "lm_head", true)]
    [InlineData("lm_head", "LM_HEAD", false)]
    [InlineData("model.layers.*.mlp.*", "model.layers.11.mlp.up_proj", true)]
    [InlineData("model.layers.*.mlp.*", "model.layers.11.self_attn.q_proj", false)]
    [InlineData("model.layers.1.*", "model.layers.11.mlp.up_proj", false)]
    [InlineData("*", "anything", true)]
    [InlineData("a?c", "abc", false)]
    [InlineData("a?c", "a?c", true)]
    [InlineData("a\\*", "a\\b", true)]
    [InlineData("a.c", "abc", false)]
    public void A_star_stands_for_any_run_and_all_else_for_itself(string pattern, string layerName, bool matches) =>
        Assert.Equal(matches, new LayerOverride { Pattern = pattern }.Matches(layerName));

    [Fact]
    public void A_pattern_of_many_stars_is_matched_in_good_time() =>
        Assert.False(new LayerOverride { Pattern = string.Concat(Enumerable.Repeat("*a", 40)) + "b" }.Matches(new string('a', 400)));
}
