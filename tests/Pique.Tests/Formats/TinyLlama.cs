using Pique.Formats;
using Pique.Models.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Formats;

/// <summary>A Llama small enough for any test, with grouped-query attention and widths that differ from one another.</summary>
internal static class TinyLlama
{
    public static readonly LlamaConfig Tied = new()
    {
        VocabularySize = 24,
        HiddenSize = 16,
        IntermediateSize = 20,
        LayerCount = 2,
        HeadCount = 4,
        KeyValueHeadCount = 2,
        HeadSize = 4,
        ContextTokens = 12,
        TieWordEmbeddings = true,
    };

    public static readonly LlamaConfig Untied = Tied with { TieWordEmbeddings = false };

    /// <summary>Every parameter drawn, gains included, so that swapped tensors show.</summary>
    public static LlamaModel Create(LlamaConfig config, long seed = 1)
    {
        using IDisposable noGradients = no_grad();
        using Generator generator = new((ulong)seed, CPU);
        LlamaModel model = new(config);
        foreach ((string _, TorchSharp.Modules.Parameter parameter) in model.named_parameters())
        {
            using DisposeScope scope = NewDisposeScope();
            parameter.copy_(randn(parameter.shape, generator: generator).mul_(0.3).add_(parameter.dim() == 1 ? 1 : 0));
        }

        return model;
    }

    public static Dictionary<string, float[]> Values(LlamaModel model) =>
        model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter.detach().data<float>().ToArray());

    public static void RoundToBFloat16(LlamaModel model)
    {
        using IDisposable noGradients = no_grad();
        foreach ((string _, TorchSharp.Modules.Parameter parameter) in model.named_parameters())
        {
            using DisposeScope scope = NewDisposeScope();
            parameter.copy_(parameter.to(ScalarType.BFloat16).to(ScalarType.Float32));
        }
    }

    public sealed class Tokenizer : ITextTokenizer
    {
        public int VocabularySize => 24;

        public int? BeginOfTextId => 1;

        public int? EndOfTextId => null;

        public int? UnknownId => 0;

        public IReadOnlyList<int> Encode(string text, bool continuation = false) => [.. text.Select(letter => letter % VocabularySize)];

        public string Decode(IReadOnlyList<int> tokenIds, bool continuation = false) => string.Concat(tokenIds.Select(id => (char)('a' + id)));
    }
}
