using System.Text.Json;
using Pique.Configuration;
using Pique.Quantization;

namespace Pique.Formats.HuggingFace;

/// <summary>Reads and writes the "quantization_config" of a packed folder's config.json.</summary>
internal static class PackedQuantizationJson
{
    private const string Method = "pique";
    private const int FormatVersion = 1;
    private const int LeastActivationBits = 2;
    private const int MostActivationBits = 16;
    private const string Fix = "write the model again with this version of Pique";

    /// <summary>Writes the object.</summary>
    /// <param name="json">Writer, positioned where an object may begin.</param>
    /// <param name="quantized">Quantized weights by layer name.</param>
    /// <param name="activationBits">Bits of the activations entering a layer, by its name; a layer that is missing takes them in full precision.</param>
    public static void Write(Utf8JsonWriter json, IReadOnlyDictionary<string, QuantizedTensor> quantized, IReadOnlyDictionary<string, int> activationBits)
    {
        json.WriteStartObject();
        json.WriteString("quant_method", Method);
        json.WriteNumber("format_version", FormatVersion);
        json.WriteStartObject("layers");
        foreach ((string layer, QuantizedTensor tensor) in quantized.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            json.WriteStartObject(layer);
            json.WriteNumber("bits", tensor.Bits);
            json.WriteString("granularity", tensor.Granularity.GetType().Name);
            if (tensor.Granularity is QuantGranularity.PerBlock block)
                json.WriteNumber("block_size", block.BlockSize);
            json.WriteBoolean("symmetric", tensor.Grid.Symmetric);
            if (tensor.PiK is { } piK)
                json.WriteNumber("pi_k", piK);
            if (activationBits.TryGetValue(layer, out int entering))
                json.WriteNumber("activation_bits", entering);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Reads the object.</summary>
    /// <param name="configPath">The config.json.</param>
    /// <returns>Quantized layers by name; null where the model is not quantized.</returns>
    /// <exception cref="ConfigurationException">The model is quantized by other software, or the object has faults.</exception>
    public static IReadOnlyDictionary<string, PackedLayer>? Read(string configPath)
    {
        using JsonDocument document = JsonFile.Parse(configPath, LlamaConfigJson.MaxConfigBytes);
        JsonFields fields = new(document.RootElement);
        Dictionary<string, PackedLayer> layers = new(StringComparer.Ordinal);
        JsonFields? quantization = fields.Object(LlamaConfigJson.QuantizationKey);
        if (quantization is not null)
        {
            quantization.RequireText("quant_method", $"\"{Method}\"", "Pique reads no model that other software quantized; use its full-precision original");
            if (fields.Faults.Count == 0)
                ReadLayers(quantization, layers);
        }

        if (fields.Faults.Count > 0)
            throw new ConfigurationException(configPath, fields.Faults);
        return quantization is null ? null : layers;
    }

    private static void ReadLayers(JsonFields quantization, Dictionary<string, PackedLayer> layers)
    {
        quantization.RequireText("format_version", $"{FormatVersion}", Fix);
        if (!quantization.Has("layers"))
            quantization.Fault("layers", "nothing", "an object with an entry for every quantized layer", Fix);
        if (quantization.Object("layers") is not { } entries)
            return;
        foreach (string name in entries.Names)
        {
            if (entries.Object(name) is { } entry)
                layers.Add(name, ReadLayer(entry));
        }
    }

    private static PackedLayer ReadLayer(JsonFields entry)
    {
        int bits = entry.Count("bits");
        if (bits is not (0 or 2 or 3 or 4 or 5 or 8))
            entry.Fault("bits", $"{bits}", "2, 3, 4, 5 or 8", Fix);
        int? activationBits = entry.Has("activation_bits") ? entry.Count("activation_bits") : null;
        if (activationBits is { } entering and not 0 and (< LeastActivationBits or > MostActivationBits))
            entry.Fault("activation_bits", $"{entering}", $"{LeastActivationBits} to {MostActivationBits}", Fix);
        return new PackedLayer(bits, ReadGranularity(entry), entry.Flag("symmetric", true), entry.Has("pi_k") ? entry.Count("pi_k") : null, activationBits);
    }

    private static QuantGranularity ReadGranularity(JsonFields entry)
    {
        string? name = entry.Text("granularity");
        switch (name)
        {
            case nameof(QuantGranularity.PerTensor):
                return new QuantGranularity.PerTensor();
            case nameof(QuantGranularity.PerToken):
                return new QuantGranularity.PerToken();
            case nameof(QuantGranularity.PerBlock):
                return new QuantGranularity.PerBlock(Math.Max(1, entry.Count("block_size")));
            case nameof(QuantGranularity.PerChannel):
                break;
            default:
                entry.Fault("granularity", name is null ? "no name" : $"\"{name}\"", "\"PerTensor\", \"PerChannel\", \"PerToken\" or \"PerBlock\"", Fix);
                break;
        }

        return new QuantGranularity.PerChannel();
    }
}
