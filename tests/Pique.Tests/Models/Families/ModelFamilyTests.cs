using Pique.Models.Families;

namespace Pique.Tests.Models.Families;

public class ModelFamilyTests
{
    [Fact]
    public void Each_family_has_the_names_of_its_checkpoints() => Assert.Equal(
        "llama (LlamaForCausalLM), mistral (MistralForCausalLM), qwen2 (Qwen2ForCausalLM), qwen3 (Qwen3ForCausalLM)",
        ModelFamily.KnownNames);

    [Fact]
    public void Every_family_is_in_the_catalogue_of_tiny_models_tied_and_untied_where_it_is_published_so()
    {
        Assert.Equal(ModelFamily.All, FamilyModels.All.Select(variant => variant.Config.Family).Distinct());
        Assert.Equal(
            ["llama False", "llama True", "mistral False", "qwen2 False", "qwen2 True", "qwen3 False", "qwen3 True"],
            FamilyModels.All.Select(variant => $"{variant.Config.Family} {variant.Config.TieWordEmbeddings}").Distinct().Order(StringComparer.Ordinal));
    }
}
