using Pique.Formats.Safetensors;
using Pique.Models.Llama;
using Pique.Quantization;

namespace Pique.Formats.HuggingFace;

/// <summary>The weights of a packed folder: quantized ones dequantized as they are read, equal bit for bit to those that training saw; the others as stored.</summary>
internal sealed class PackedWeights : IWeightSource
{
    private readonly SafetensorsFile _file;
    private readonly Dictionary<string, QuantizedTensor> _quantized = new(StringComparer.Ordinal);

    private PackedWeights(string folder, SafetensorsFile file, IReadOnlyDictionary<string, PackedLayer> layers, LlamaConfig config)
    {
        Path = folder;
        _file = file;
        LlamaWeightLoader.CheckLayerCount(folder, config, file.Tensors.Count);
        Dictionary<string, long[]> expected = LlamaWeightShapes.Of(config).ToDictionary(weight => weight.Name, weight => weight.Shape, StringComparer.Ordinal);
        Dictionary<string, IReadOnlyList<long>> shapes = file.Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Shape, StringComparer.Ordinal);
        foreach ((string layer, PackedLayer description) in layers)
        {
            string name = layer + PackedLayer.WeightSuffix;
            if (!expected.TryGetValue(name, out long[]? shape) || shape.Length != 2)
                throw new InputException($"{folder}: config.json describes a quantized layer \"{MessageText.Name(layer)}\" that a model of its shape does not have; use the config.json and the weights of one model");
            _quantized.Add(name, description.Read(file, name, shape[0], shape[1]));
            foreach (string suffix in description.Suffixes)
                shapes.Remove(name + suffix);
            if (!shapes.TryAdd(name, shape))
                throw new InputException($"{folder}: tensor \"{name}\" is stored both packed and unpacked, expected one of them; write the model again");
        }

        Shapes = shapes;
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, IReadOnlyList<long>> Shapes { get; }

    /// <summary>The quantized weights by layer name without ".weight".</summary>
    public IReadOnlyDictionary<string, QuantizedTensor> Quantized =>
        _quantized.ToDictionary(entry => entry.Key[..^PackedLayer.WeightSuffix.Length], entry => entry.Value, StringComparer.Ordinal);

    /// <summary>Opens a packed folder and reads the quantized weights.</summary>
    /// <param name="folder">Folder of the model.</param>
    /// <param name="layers">Quantized layers, from config.json.</param>
    /// <param name="config">Shape of the model.</param>
    /// <exception cref="InputException">A file or tensor is missing, or contradicts config.json.</exception>
    public static PackedWeights Open(string folder, IReadOnlyDictionary<string, PackedLayer> layers, LlamaConfig config)
    {
        SafetensorsFile file = SafetensorsFile.Open(System.IO.Path.Combine(folder, HuggingFaceNames.Weights));
        try
        {
            return new PackedWeights(folder, file, layers, config);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(string name, long firstElement, Span<float> destination)
    {
        if (_quantized.TryGetValue(name, out QuantizedTensor? tensor))
            tensor.Dequantize(firstElement, destination);
        else
            _file.ReadFloat32(name, firstElement, destination);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}
