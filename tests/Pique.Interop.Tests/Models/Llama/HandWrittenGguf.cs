using Pique.Formats.Gguf;
using Pique.Formats.Gguf.Export;
using Pique.Models.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Interop.Tests.Models.Llama;

/// <summary>A Llama of one layer with drawn weights, and its file in float32, written without the exporter.</summary>
internal static class HandWrittenGguf
{
    /// <summary>Unknown, begin, end, the byte of the line feed, which llama.cpp asks every such vocabulary for, the space, letters and digits.</summary>
    private static readonly string[] Pieces = ["<unk>", "<s>", "</s>", "<0x0A>", "▁", .. "abcdefghijklmnopqrstuvwxyz012345678".Select(letter => letter.ToString())];

    public static readonly LlamaConfig Config = new()
    {
        VocabularySize = 40,
        HiddenSize = 64,
        IntermediateSize = 96,
        LayerCount = 1,
        HeadCount = 2,
        KeyValueHeadCount = 1,
        HeadSize = 32,
        ContextTokens = 48,
    };

    /// <summary>Draws a model.</summary>
    public static LlamaModel CreateModel()
    {
        using IDisposable noGradients = no_grad();
        using Generator generator = new(1, CPU);
        LlamaModel model = new(Config);
        foreach ((string _, TorchSharp.Modules.Parameter parameter) in model.named_parameters())
        {
            using DisposeScope scope = NewDisposeScope();
            parameter.copy_(randn(parameter.shape, generator: generator).mul_(0.3).add_(parameter.dim() == 1 ? 1 : 0));
        }

        return model;
    }

    /// <summary>Writes a model with its vocabulary.</summary>
    public static void Write(string path, LlamaModel model)
    {
        GgufMetadata metadata = new();
        GgufArchitecture.Write(metadata, model.Config, "drawn");
        metadata.Add("tokenizer.ggml.model", "llama");
        metadata.Add("tokenizer.ggml.tokens", Pieces);
        metadata.Add("tokenizer.ggml.scores", (IReadOnlyList<float>)[.. Pieces.Select((_, index) => -(float)index)]);
        metadata.Add("tokenizer.ggml.token_type", (IReadOnlyList<int>)[2, 3, 3, 6, .. Enumerable.Repeat(1, Pieces.Length - 4)]);
        metadata.Add("tokenizer.ggml.unknown_token_id", 0u);
        metadata.Add("tokenizer.ggml.bos_token_id", 1u);
        metadata.Add("tokenizer.ggml.eos_token_id", 2u);
        GgufWriter.Write(path, metadata, [.. model.named_parameters().Select(entry => Entry(model.Config, entry.name, entry.parameter))]);
    }

    private static GgufTensorEntry Entry(LlamaConfig config, string name, Tensor weight) => new(
        GgufTensorNames.ToGguf(name),
        weight.shape,
        GgufTensorType.F32,
        stream => new FloatTensor(weight, GgufArchitecture.RowOrder(config, name)).Write(stream, GgufTensorType.F32));
}
