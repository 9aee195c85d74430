using Pique.Configuration;
using Pique.Formats;
using Pique.Models.Families;
using Pique.Models.Llama;
using Pique.Pipeline;
using Pique.Tests.Formats;

namespace Pique.Tests.Pipeline;

public sealed class FamilyPipelineTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    /// <summary>Shapes that together have every parameter that Llama lacks.</summary>
    public static TheoryData<string, bool> Families => new()
    {
        { "llama with biases", true },
        { "mistral", false },
        { "qwen2", true },
        { "qwen2", false },
        { "qwen3", true },
    };

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [MemberData(nameof(Families))]
    public void A_model_of_every_family_is_trained_and_shipped_with_its_biases_and_norms(string family, bool rotated)
    {
        Recipe recipe = MicroData.Recipe(_temporary);
        string path = MicroData.WriteModel(_temporary, family, change: config => Of(family, config));
        recipe = recipe with { Model = path, Qat = recipe.Qat with { UseIncoherence = rotated } };

        QatRunResult result = new QatPipeline(TimeProvider.System).Run(recipe, _temporary.File("run"), resume: false, TestContext.Current.CancellationToken)!;

        using LoadedModel original = ModelLoader.Load(path);
        using LoadedModel shipped = ModelLoader.Load(result.ModelFolder);
        LlamaConfig expected = original.Model.Config;
        Assert.Equal(rotated ? expected with { TieWordEmbeddings = false } : expected, shipped.Model.Config);
        Assert.Equal(shipped.Model.QuantizableLayers.Select(layer => layer.Name).Order(), shipped.Quantized.Keys.Order());
        Dictionary<string, float[]> before = TinyLlama.Values(original.Model);
        string[] vectors = [.. shipped.Model.named_parameters().Where(entry => entry.parameter.dim() == 1).Select(entry => entry.name)];
        Assert.Equal(before.Keys.Where(name => name.EndsWith(".bias", StringComparison.Ordinal) || name.Contains("norm", StringComparison.Ordinal)), vectors);

        // Four steps move every one of them.
        Assert.All(vectors, name => Assert.NotEqual(before[name], TinyLlama.Values(shipped.Model)[name]));
    }

    [Fact]
    public void A_window_shorter_than_the_rows_of_the_recipe_is_refused()
    {
        Recipe recipe = MicroData.Recipe(_temporary) with
        {
            Model = MicroData.WriteModel(_temporary, "windowed", change: config => config with { Family = ModelFamily.Mistral, SlidingWindow = 40 }),
        };

        InputException failure = Assert.Throws<InputException>(() =>
            new QatPipeline(TimeProvider.System).Run(recipe, _temporary.File("run"), resume: false, TestContext.Current.CancellationToken));

        Assert.Contains("Set context_tokens to 40 or less.", failure.Message, StringComparison.Ordinal);
    }

    private static LlamaConfig Of(string family, LlamaConfig config) => family switch
    {
        "llama with biases" => config with { AttentionBias = true, RopeScaling = new RopeScaling.Llama3(4f, 1f, 4f, 32) },
        "mistral" => config with { Family = ModelFamily.Mistral, SlidingWindow = MicroData.ContextTokens, TieWordEmbeddings = false },
        "qwen2" => config with { Family = ModelFamily.Qwen2 },
        "qwen3" => config with { Family = ModelFamily.Qwen3, HeadSize = 12 },
        _ => throw new ArgumentOutOfRangeException(nameof(family), family, "Unknown family."),
    };
}
