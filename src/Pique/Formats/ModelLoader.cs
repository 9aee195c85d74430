using Pique.Formats.HuggingFace;
using Pique.Formats.Llama2C;
using Pique.Models.Llama;
using Pique.Quantization;

namespace Pique.Formats;

/// <summary>Loads models of every format Pique reads.</summary>
public static class ModelLoader
{
    private static readonly IReadOnlyDictionary<string, QuantizedTensor> NotQuantized = new Dictionary<string, QuantizedTensor>();

    /// <summary>Loads the weights alone.</summary>
    /// <param name="path">A Hugging Face folder, or a legacy llama2.c file (.bin).</param>
    internal static (LlamaModel Model, ModelFormat Format, IReadOnlyDictionary<string, QuantizedTensor> Quantized) LoadWeights(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
            return LoadFolder(path);
        if (!File.Exists(path))
            throw new InputException($"{path}: no such file or folder; name a Hugging Face model folder or a llama2.c .bin file");
        if (!string.Equals(Path.GetExtension(path), ".bin", StringComparison.OrdinalIgnoreCase))
            throw new InputException($"{path}: is no model that Pique reads; name a Hugging Face model folder or a llama2.c .bin file");

        using Llama2CFile file = Llama2CFile.Open(path);
        return (LlamaWeightLoader.Load(file, file.Config), ModelFormat.Llama2C, NotQuantized);
    }

    private static (LlamaModel Model, ModelFormat Format, IReadOnlyDictionary<string, QuantizedTensor> Quantized) LoadFolder(string folder)
    {
        string configPath = Path.Combine(folder, HuggingFaceNames.Config);
        if (!File.Exists(configPath))
            throw new InputException($"{folder}: has no {HuggingFaceNames.Config}; name a Hugging Face model folder or a llama2.c .bin file");

        LlamaConfig config = LlamaConfigJson.Read(configPath);
        if (PackedQuantizationJson.Read(configPath) is { } layers)
        {
            using PackedWeights packed = PackedWeights.Open(folder, layers, config);
            return (LlamaWeightLoader.Load(packed, config), ModelFormat.Packed, packed.Quantized);
        }

        using HuggingFaceWeights weights = HuggingFaceWeights.Open(folder);
        return (LlamaWeightLoader.Load(weights, config), ModelFormat.HuggingFace, NotQuantized);
    }
}
