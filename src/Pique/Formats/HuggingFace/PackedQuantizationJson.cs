using System.Text.Json;
using Pique.Configuration;
using Pique.Quantization;

namespace Pique.Formats.HuggingFace;

/// <summary>Reads and writes the "quantization_config" of a packed folder's config.json.</summary>
internal static class PackedQuantizationJson
{
    private const string Method = "pique";
    private const int FormatVersion = 1;

    /// <summary>Writes the object.</summary>
    /// <param name="json">Writer, positioned where an object may begin.</param>
    /// <param name="quantized">Quantized weights by layer name.</param>
    /// <param name="activationBits">Bits of the activations entering a layer, by its name; a layer that is missing takes them in full precision.</param>
    /// <param name="provenance">Where the model comes from; null where that is not known.</param>
    public static void Write(Utf8JsonWriter json, IReadOnlyDictionary<string, QuantizedTensor> quantized, IReadOnlyDictionary<string, int> activationBits, ModelProvenance? provenance) =>
        WriteLayers(
            json,
            quantized,
            layer =>
            {
                if (activationBits.TryGetValue(layer, out int entering))
                    json.WriteNumber("activation_bits", entering);
            },
            provenance);

    /// <summary>Writes the object with fields of the caller's.</summary>
    /// <param name="json">Writer, positioned where an object may begin.</param>
    /// <param name="quantized">Quantized weights by layer name.</param>
    /// <param name="writeMore">Writes what is to follow in the object of the layer it is given.</param>
    /// <param name="provenance">Where the model comes from; null where that is not known.</param>
    public static void WriteLayers(Utf8JsonWriter json, IReadOnlyDictionary<string, QuantizedTensor> quantized, Action<string> writeMore, ModelProvenance? provenance = null)
    {
        json.WriteStartObject();
        json.WriteString("quant_method", Method);
        json.WriteNumber("format_version", FormatVersion);
        if (provenance is not null)
            ProvenanceJson.Write(json, provenance);
        json.WriteStartObject("layers");
        foreach ((string layer, QuantizedTensor tensor) in quantized.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            json.WriteStartObject(layer);
            PackedLayerJson.Write(json, tensor);
            writeMore(layer);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Reads the object.</summary>
    /// <param name="configPath">The config.json.</param>
    /// <returns>Quantized layers by name, and where the model comes from if it says so; null where the model is not quantized.</returns>
    /// <exception cref="ConfigurationException">The model is quantized by other software, or the object has faults.</exception>
    public static (IReadOnlyDictionary<string, PackedLayer> Layers, ModelProvenance? Provenance)? Read(string configPath)
    {
        using JsonDocument document = JsonFile.Parse(configPath, LlamaConfigJson.MaxConfigBytes);
        JsonFields fields = new(document.RootElement);
        JsonFields? quantization = fields.Object(LlamaConfigJson.QuantizationKey);
        if (quantization is null && fields.Faults.Count == 0)
            return null;
        IReadOnlyDictionary<string, PackedLayer> layers = quantization is null ? new Dictionary<string, PackedLayer>() : ReadLayers(quantization, PackedLayerJson.Read);
        ModelProvenance? provenance = fields.Faults.Count == 0 ? ProvenanceJson.Read(quantization!) : null;
        if (fields.Faults.Count > 0)
            throw new ConfigurationException(configPath, fields.Faults);
        return (layers, provenance);
    }

    /// <summary>Reads the layers of the object, once it is known to be there.</summary>
    /// <param name="quantization">The object; faults are added to its own.</param>
    /// <param name="read">Reads a layer's fields.</param>
    public static IReadOnlyDictionary<string, T> ReadLayers<T>(JsonFields quantization, Func<JsonFields, T> read)
    {
        Dictionary<string, T> layers = new(StringComparer.Ordinal);
        quantization.RequireText("quant_method", $"\"{Method}\"", "Pique reads no model that other software quantized; use its full-precision original");
        if (quantization.Faults.Count > 0)
            return layers;
        quantization.RequireText("format_version", $"{FormatVersion}", PackedLayerJson.Fix);
        if (!quantization.Has("layers"))
            quantization.Fault("layers", "nothing", "an object with an entry for every quantized layer", PackedLayerJson.Fix);
        if (quantization.Object("layers") is not { } entries)
            return layers;
        foreach (string name in entries.Names)
        {
            if (entries.Object(name) is { } entry)
                layers.Add(name, read(entry));
        }

        return layers;
    }
}
