using System.Text;
using System.Text.Json;
using Pique.Configuration;
using Pique.Formats.Safetensors;
using Pique.Quantization;

namespace Pique.Formats.HuggingFace;

/// <summary>A safetensors file of quantized weights, whose metadata says how each is quantized.</summary>
/// <remarks>
/// A weight "w" is held by the tensors "w.codes", "w.scales" and, where it has them, "w.sub_scales" and "w.zero_points", as in a packed
/// folder. The metadata's "quantization_config" is the JSON object of a packed config.json, with "rows" and "columns" in every entry.
/// </remarks>
public static class QuantizedTensorFile
{
    private const string Fix = "save the file again with this version of Pique";

    /// <summary>Writes a file atomically; equal weights give equal bytes.</summary>
    /// <param name="path">File to write.</param>
    /// <param name="tensors">Quantized weights by name.</param>
    /// <exception cref="InputException">The path cannot be written to.</exception>
    public static void Save(string path, IReadOnlyDictionary<string, QuantizedTensor> tensors)
    {
        ArgumentNullException.ThrowIfNull(tensors);
        using MemoryStream description = new();
        using (Utf8JsonWriter json = new(description))
        {
            PackedQuantizationJson.WriteLayers(json, tensors, name =>
            {
                json.WriteNumber("rows", tensors[name].Rows);
                json.WriteNumber("columns", tensors[name].Columns);
            });
        }

        Dictionary<string, string> metadata = new() { [LlamaConfigJson.QuantizationKey] = Encoding.UTF8.GetString(description.ToArray()) };
        SafetensorsWriter.Write(path, tensors.SelectMany(entry => PackedLayer.Entries(entry.Key, entry.Value)), metadata);
    }

    /// <summary>Reads a file whole.</summary>
    /// <param name="path">File to read.</param>
    /// <returns>Quantized weights by name, equal bit for bit to those saved.</returns>
    /// <exception cref="InputException">The file is missing, cut short or of another kind, or a tensor is missing, surplus, of another dtype or shape, or holds impossible values.</exception>
    /// <exception cref="ConfigurationException">The description has faults.</exception>
    public static IReadOnlyDictionary<string, QuantizedTensor> Load(string path)
    {
        using SafetensorsFile file = SafetensorsFile.Open(path);
        Dictionary<string, QuantizedTensor> tensors = new(StringComparer.Ordinal);
        HashSet<string> surplus = new(file.Tensors.Select(tensor => tensor.Name), StringComparer.Ordinal);
        foreach ((string name, (PackedLayer layer, int rows, int columns)) in Describe(file))
        {
            tensors.Add(name, layer.Read(file, name, rows, columns));
            surplus.ExceptWith(layer.Suffixes.Select(suffix => name + suffix));
        }

        if (surplus.Count > 0)
            throw new InputException($"{path}: tensor \"{MessageText.Name(surplus.Min(StringComparer.Ordinal)!)}\" belongs to no weight that the metadata describes; {Fix}");
        return tensors;
    }

    private static IReadOnlyDictionary<string, (PackedLayer Layer, int Rows, int Columns)> Describe(SafetensorsFile file)
    {
        if (!file.Metadata.TryGetValue(LlamaConfigJson.QuantizationKey, out string? description))
            throw new InputException($"{file.Path}: its metadata has no \"{LlamaConfigJson.QuantizationKey}\", so that it is no file of quantized weights; {Fix}");
        if (description.Length > LlamaConfigJson.MaxConfigBytes)
            throw new InputException($"{file.Path}: \"{LlamaConfigJson.QuantizationKey}\" of its metadata has {description.Length} characters, at most {LlamaConfigJson.MaxConfigBytes} are expected; {Fix}");
        try
        {
            using JsonDocument document = StrictJson.Parse(Encoding.UTF8.GetBytes(description));
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InputException($"{file.Path}: \"{LlamaConfigJson.QuantizationKey}\" of its metadata is no JSON object; {Fix}");
            JsonFields fields = new(document.RootElement, Fix);
            IReadOnlyDictionary<string, (PackedLayer, int, int)> layers = PackedQuantizationJson.ReadLayers(
                fields, entry => (PackedLayerJson.Read(entry), entry.Count("rows", least: 0), entry.Count("columns", least: 0)));
            return fields.Faults.Count == 0 ? layers : throw new ConfigurationException(file.Path, fields.Faults);
        }
        catch (JsonException failure)
        {
            throw new InputException($"{file.Path}: \"{LlamaConfigJson.QuantizationKey}\" of its metadata is no valid JSON ({failure.Message}); {Fix}", failure);
        }
    }
}
