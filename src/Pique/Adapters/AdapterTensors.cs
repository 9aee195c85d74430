using Pique.Formats;
using Pique.Formats.Safetensors;
using Pique.Models.Llama;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Adapters;

/// <summary>Reads adapter_model.safetensors, every name and shape compared with the model's before any value is read.</summary>
internal static class AdapterTensors
{
    /// <summary>Reads the adapters.</summary>
    /// <param name="path">The file.</param>
    /// <param name="model">The model they are for.</param>
    /// <param name="rank">Their rank.</param>
    /// <param name="alpha">Their alpha.</param>
    /// <returns>Adapters by layer name, in checkpoint order.</returns>
    /// <exception cref="InputException">A tensor has no partner, no layer or another shape, or holds a value that is not finite.</exception>
    public static IReadOnlyList<(string Name, LoraAdapter Adapter)> Read(string path, LlamaModel model, int rank, float alpha)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Dictionary<string, QuantizedLinear> layers = model.QuantizableLayers
            .Where(entry => entry.Layer is QuantizedLinear)
            .ToDictionary(entry => entry.Name, entry => (QuantizedLinear)entry.Layer, StringComparer.Ordinal);
        HashSet<string> adapted = [.. file.Tensors.Select(tensor => LayerOf(path, tensor.Name, layers))];
        if (adapted.Count == 0)
            throw new InputException($"{path}: holds no tensor, expected lora_A and lora_B of some layers; save the adapter again.");
        List<(string Name, Tensor A, Tensor B)> pairs = [];
        using DisposeScope scope = NewDisposeScope();
        foreach (string name in layers.Keys.Where(adapted.Contains))
        {
            long[] weight = layers[name].Weight.shape;
            if (rank > weight.Min())
                throw new InputException($"{path}: found rank {rank} in {AdapterNames.Config}, expected at most {weight.Min()}, the smaller side of {name} {Shapes.Format(weight)}; load the model the adapter was trained on.");
            pairs.Add((name, ReadOne(file, name, AdapterNames.A, [rank, weight[1]]), ReadOne(file, name, AdapterNames.B, [weight[0], rank])));
        }

        return [.. pairs.Select(pair => (pair.Name, new LoraAdapter(pair.A, pair.B, alpha)))];
    }

    private static string LayerOf(string path, string tensor, Dictionary<string, QuantizedLinear> layers)
    {
        string? suffix = new[] { AdapterNames.A, AdapterNames.B }.FirstOrDefault(suffix => tensor.EndsWith("." + suffix, StringComparison.Ordinal));
        string layer = suffix is null || !tensor.StartsWith(AdapterNames.FilePrefix, StringComparison.Ordinal) ? "" : tensor[AdapterNames.FilePrefix.Length..^(suffix.Length + 1)];
        return layers.ContainsKey(layer)
            ? layer
            : throw new InputException($"{path}: tensor \"{tensor}\" is of no linear layer of the model, expected names as \"{AdapterNames.FilePrefix}{layers.Keys.First()}.{AdapterNames.A}\"; load the model the adapter was trained on.");
    }

    private static Tensor ReadOne(SafetensorsFile file, string layer, string suffix, long[] shape)
    {
        string name = $"{AdapterNames.FilePrefix}{layer}.{suffix}";
        SafetensorsTensor stored = file[name];
        if (!stored.Shape.SequenceEqual(shape))
            throw new InputException($"{file.Path}: tensor \"{name}\" is {Shapes.Format(stored.Shape)}, expected {Shapes.Format(shape)} by the model and the rank in {AdapterNames.Config}; load the model the adapter was trained on.");
        float[] values = file.ReadFloat32(name);
        if (FiniteCheck.IndexOfNonFinite(values) is var index and >= 0)
            throw new InputException($"{file.Path}: tensor \"{name}\" holds {FiniteCheck.Describe(values[index], shape, index)}, expected finite values; save the adapter again.");
        return tensor(values, shape);
    }
}
