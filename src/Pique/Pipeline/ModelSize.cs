using Pique.Formats;
using Pique.Formats.Gguf;
using Pique.Formats.HuggingFace;
using Pique.Models.Llama;
using Pique.Quantization;

namespace Pique.Pipeline;

/// <summary>What a model's weights take on disk.</summary>
/// <param name="BitsPerWeight">Stored bits per parameter over the whole model, scales included.</param>
/// <param name="FileBytes">Bytes of the files that hold the weights.</param>
public sealed record ModelSize(double BitsPerWeight, long FileBytes)
{
    /// <summary>Size of a stored model: its files' bytes, and the bits those spend on each parameter.</summary>
    /// <param name="model">A model as loaded.</param>
    public static ModelSize Of(LoadedModel model)
    {
        if (model.Format == ModelFormat.Gguf)
            return OfGguf(model);
        long fileBytes = File.Exists(model.Path)
            ? new FileInfo(model.Path).Length
            : Directory.EnumerateFiles(model.Path, "*.safetensors").Sum(file => new FileInfo(file).Length);
        return model.Quantized.Count == 0
            ? new ModelSize(8.0 * WeightBytes(model, fileBytes) / ParameterCount(model.Model), fileBytes)
            : OfPacked(model.Model, model.Quantized) with { FileBytes = fileBytes };
    }

    /// <summary>Size of a model once packed: codes, scales and zero points, and float32 for what is not quantized.</summary>
    /// <param name="model">The model.</param>
    /// <param name="quantized">Its quantized weights.</param>
    public static ModelSize OfPacked(LlamaModel model, IReadOnlyDictionary<string, QuantizedTensor> quantized)
    {
        long parameters = ParameterCount(model);
        long quantizedCount = quantized.Values.Sum(tensor => tensor.Rows * tensor.Columns);
        long bytes = quantized.Values.Sum(tensor => tensor.StoredBytes) + (sizeof(float) * (parameters - quantizedCount));
        return new ModelSize(8.0 * bytes / parameters, bytes);
    }

    /// <summary>Bytes of the weights alone: safetensors files begin with a header that grows with the names in it.</summary>
    private static long WeightBytes(LoadedModel model, long fileBytes)
    {
        if (model.Format != ModelFormat.HuggingFace)
            return fileBytes;
        using HuggingFaceWeights weights = HuggingFaceWeights.Open(model.Path);
        return weights.Files.Sum(file => file.Tensors.Sum(tensor => tensor.StoredBytes));
    }

    /// <summary>A GGUF file holds its vocabulary too, which takes no bits of the weights.</summary>
    private static ModelSize OfGguf(LoadedModel model)
    {
        using GgufFile file = GgufFile.Open(model.Path);
        return new ModelSize(8.0 * file.Tensors.Sum(tensor => tensor.ByteCount) / ParameterCount(model.Model), file.FileBytes);
    }

    private static long ParameterCount(LlamaModel model) => model.parameters().Sum(parameter => parameter.numel());
}
