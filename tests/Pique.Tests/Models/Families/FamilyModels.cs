using Pique.Models.Families;
using Pique.Models.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Families;

/// <summary>A tiny model of every variant of every family, each with random weights, biases and gains.</summary>
internal static class FamilyModels
{
    private static readonly LlamaConfig Narrow = new()
    {
        VocabularySize = 288,
        HiddenSize = 64,
        IntermediateSize = 160,
        LayerCount = 2,
        HeadCount = 4,
        KeyValueHeadCount = 2,
        HeadSize = 16,
        ContextTokens = 64,
        TieWordEmbeddings = true,
    };

    /// <summary>Rows of 256 weights, which K-quants need.</summary>
    private static readonly LlamaConfig Wide = Narrow with { HiddenSize = 256, IntermediateSize = 512, HeadCount = 8, HeadSize = 32 };

    /// <summary>At these numbers two of the eight frequencies are blended and five divided, all within 64 tokens.</summary>
    private static readonly RopeScaling Stretched = new RopeScaling.Llama3(4f, 1f, 4f, 32);

    /// <summary>The variants that llama.cpp computes too. In a GGUF file a Mistral without a window is a Llama.</summary>
    public static IReadOnlyList<(string Name, LlamaConfig Config)> All { get; } =
    [
        ("llama-tied", Narrow with { KeyValueHeadCount = 4 }),
        ("llama-untied", Narrow with { KeyValueHeadCount = 4, TieWordEmbeddings = false }),
        ("llama-grouped-wide", Wide with { TieWordEmbeddings = false }),
        ("llama-one-key-value-head", Narrow with { KeyValueHeadCount = 1 }),
        ("llama-llama3-rope", Narrow with { RopeTheta = 500f, RopeScaling = Stretched }),
        ("llama-linear-rope", Narrow with { RopeScaling = new RopeScaling.Linear(2.5f), TieWordEmbeddings = false }),
        ("llama-attention-bias", Narrow with { AttentionBias = true }),
        ("mistral", Narrow with { Family = ModelFamily.Mistral, TieWordEmbeddings = false }),
        ("mistral-window", Narrow with { Family = ModelFamily.Mistral, SlidingWindow = 12, TieWordEmbeddings = false }),
        ("qwen2-tied", Narrow with { Family = ModelFamily.Qwen2, RmsNormEpsilon = 1e-6f, RopeTheta = 1000000f }),
        ("qwen2-untied-wide", Wide with { Family = ModelFamily.Qwen2, RmsNormEpsilon = 1e-6f, TieWordEmbeddings = false }),
        ("qwen3-tied", Narrow with { Family = ModelFamily.Qwen3, RmsNormEpsilon = 1e-6f, HeadSize = 32 }),
        ("qwen3-untied-wide", Wide with { Family = ModelFamily.Qwen3, RmsNormEpsilon = 1e-6f, HeadSize = 64, TieWordEmbeddings = false }),
    ];

    /// <summary>Variants of Hugging Face checkpoints that llama.cpp does not compute, or that a GGUF file cannot tell from others.</summary>
    public static IReadOnlyList<(string Name, LlamaConfig Config)> BeyondGguf { get; } =
    [
        ("qwen2-llama3-rope", Narrow with { Family = ModelFamily.Qwen2, RopeTheta = 500f, RopeScaling = Stretched }),
        ("qwen2-late-window", Narrow with { Family = ModelFamily.Qwen2, SlidingWindow = 10, FirstWindowedLayer = 1 }),
        ("qwen2-wide-heads", Narrow with { Family = ModelFamily.Qwen2, HeadSize = 24 }),
        ("qwen3-window", Narrow with { Family = ModelFamily.Qwen3, SlidingWindow = 9, HeadSize = 32 }),
        ("qwen3-attention-bias", Narrow with { Family = ModelFamily.Qwen3, AttentionBias = true, HeadSize = 8, TieWordEmbeddings = false }),
    ];

    /// <summary>Names of all variants.</summary>
    public static TheoryData<string> Names => [.. All.Concat(BeyondGguf).Select(variant => variant.Name)];

    /// <summary>The shape of a variant.</summary>
    public static LlamaConfig Config(string name) => All.Concat(BeyondGguf).Single(variant => variant.Name == name).Config;

    /// <summary>A model of a variant.</summary>
    public static LlamaModel Create(string name, long seed = 1) => Create(Config(name), seed);

    /// <summary>A model of any shape: matrices that keep the scale of what they read, gains about 1, biases about 0, none of them trivial.</summary>
    public static LlamaModel Create(LlamaConfig config, long seed = 1)
    {
        LlamaModel model = new(config);
        using IDisposable noGradients = no_grad();
        using Generator generator = new((ulong)seed, CPU);
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in model.named_parameters())
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor drawn = randn(parameter.shape, generator: generator);
            if (parameter.dim() == 2)
                parameter.copy_(drawn.div(Math.Sqrt(parameter.shape[1])));
            else if (name.EndsWith(".bias", StringComparison.Ordinal))
                parameter.copy_(drawn.mul(0.5));
            else
                parameter.copy_(drawn.mul(0.3).add(1));
        }

        return model;
    }

    /// <summary>Random tokens of any of the models.</summary>
    public static Tensor Tokens(params long[] shape)
    {
        using Generator generator = new(11, CPU);
        return randint(0, Narrow.VocabularySize, shape, dtype: ScalarType.Int64, generator: generator);
    }
}
