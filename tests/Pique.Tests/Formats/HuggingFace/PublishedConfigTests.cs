using Pique.Formats.HuggingFace;
using Pique.Models.Families;
using Pique.Models.Llama;

namespace Pique.Tests.Formats.HuggingFace;

public sealed class PublishedConfigTests : IDisposable
{
    private static readonly LlamaConfig Small = new()
    {
        VocabularySize = 320,
        HiddenSize = 64,
        IntermediateSize = 176,
        LayerCount = 2,
        HeadCount = 4,
        KeyValueHeadCount = 4,
        HeadSize = 16,
        ContextTokens = 4096,
    };

    private static readonly LlamaConfig SmallQwen3 = Small with
    {
        Family = ModelFamily.Qwen3,
        VocabularySize = 1519,
        IntermediateSize = 192,
        KeyValueHeadCount = 2,
        HeadSize = 32,
        ContextTokens = 40960,
        RmsNormEpsilon = 1e-6f,
        RopeTheta = 1000000,
        TieWordEmbeddings = true,
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Llama_2_is_read() => Assert.Equal(Small with { IntermediateSize = 172 }, Read(PublishedConfigs.Llama2));

    [Fact]
    public void TinyLlama_is_read() => Assert.Equal(
        Small with { HeadCount = 8, KeyValueHeadCount = 1, HeadSize = 8, ContextTokens = 2048 }, Read(PublishedConfigs.TinyLlama));

    [Fact]
    public void SmolLM2_is_read() => Assert.Equal(
        Small with
        {
            VocabularySize = 492,
            HiddenSize = 72,
            IntermediateSize = 192,
            LayerCount = 3,
            HeadCount = 9,
            KeyValueHeadCount = 3,
            HeadSize = 8,
            ContextTokens = 8192,
            RopeTheta = 100000,
            TieWordEmbeddings = true,
        },
        Read(PublishedConfigs.SmolLM2));

    [Fact]
    public void Llama_3_2_is_read() => Assert.Equal(
        Small with
        {
            VocabularySize = 1282,
            HiddenSize = 256,
            IntermediateSize = 1024,
            KeyValueHeadCount = 1,
            HeadSize = 64,
            ContextTokens = 131072,
            RopeTheta = 500000,
            RopeScaling = new RopeScaling.Llama3(32f, 1f, 4f, 8192),
            TieWordEmbeddings = true,
        },
        Read(PublishedConfigs.Llama32));

    [Fact]
    public void Mistral_is_read_and_its_window_ends_the_context()
    {
        LlamaConfig config = Read(PublishedConfigs.Mistral);

        Assert.Equal(Small with { Family = ModelFamily.Mistral, IntermediateSize = 224, KeyValueHeadCount = 1, ContextTokens = 32768, SlidingWindow = 4096 }, config);
        Assert.Equal(4096, config.UsableContextTokens);
    }

    [Fact]
    public void Qwen2_5_is_read_and_a_window_that_is_off_limits_nothing()
    {
        LlamaConfig config = Read(PublishedConfigs.Qwen25);

        Assert.Equal(
            Small with
            {
                Family = ModelFamily.Qwen2,
                VocabularySize = 1519,
                HiddenSize = 112,
                IntermediateSize = 304,
                LayerCount = 3,
                HeadCount = 14,
                KeyValueHeadCount = 2,
                HeadSize = 8,
                ContextTokens = 32768,
                RmsNormEpsilon = 1e-6f,
                RopeTheta = 1000000,
                TieWordEmbeddings = true,
            },
            config);
        Assert.Equal(32768, config.UsableContextTokens);
    }

    [Fact]
    public void Qwen3_is_read_as_published_and_as_saved_by_newer_software()
    {
        Assert.Equal(SmallQwen3, Read(PublishedConfigs.Qwen3));
        Assert.Equal(SmallQwen3, Read(PublishedConfigs.Qwen3SavedAnew));
    }

    private LlamaConfig Read(string json)
    {
        File.WriteAllText(_folder.File("config.json"), json);
        return LlamaConfigJson.Read(_folder.File("config.json"));
    }
}
