using Pique.Models.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Llama;

/// <summary>Small Llamas with random weights and gains, large enough to have every shape differ.</summary>
internal static class TinyLlama
{
    public static LlamaConfig Config(int keyValueHeads = 2, bool tied = true) => new()
    {
        VocabularySize = 40,
        HiddenSize = 24,
        IntermediateSize = 36,
        LayerCount = 2,
        HeadCount = 4,
        KeyValueHeadCount = keyValueHeads,
        HeadSize = 8,
        ContextTokens = 48,
        TieWordEmbeddings = tied,
    };

    public static LlamaModel Create(int keyValueHeads = 2, bool tied = true, long seed = 7) => Create(Config(keyValueHeads, tied), seed);

    public static LlamaModel Create(LlamaConfig config, long seed = 7)
    {
        LlamaModel model = new(config);
        using IDisposable noGradients = no_grad();
        using Generator generator = new((ulong)seed, CPU);
        foreach ((_, TorchSharp.Modules.Parameter parameter) in model.named_parameters())
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor drawn = randn(parameter.shape, generator: generator);
            parameter.copy_(parameter.dim() == 1 ? drawn.mul(0.3).add(1) : drawn.mul(0.25));
        }

        return model;
    }

    public static Tensor Tokens(params long[] shape)
    {
        using Generator generator = new(11, CPU);
        return randint(0, 40, shape, dtype: ScalarType.Int64, generator: generator);
    }

    public static double LargestDifference(Tensor left, Tensor right) => left.sub(right).abs().max().ToDouble();
}
