using System.Text.Json;
using Pique.Configuration;

namespace Pique.Formats.HuggingFace;

/// <summary>Reads and writes "provenance" inside a packed folder's "quantization_config".</summary>
internal static class ProvenanceJson
{
    private const string Key = "provenance";

    /// <summary>Writes the object.</summary>
    /// <param name="json">Writer, inside an object.</param>
    /// <param name="provenance">Where the model comes from.</param>
    public static void Write(Utf8JsonWriter json, ModelProvenance provenance)
    {
        json.WriteStartObject(Key);
        json.WriteString("pique_version", provenance.Version);
        json.WritePropertyName("configuration");
        using (JsonDocument configuration = JsonDocument.Parse(QatConfigJson.Write(provenance.Configuration)))
            configuration.RootElement.WriteTo(json);
        json.WriteString("source_sha256", provenance.SourceDigest);
        json.WriteString("calibration_sha256", provenance.CalibrationDigest);
        if (provenance.RotationSeed is { } seed)
            json.WriteNumber("rotation_seed", seed);
        json.WriteEndObject();
    }

    /// <summary>Reads the object; faults are added to theirs.</summary>
    /// <param name="quantization">"quantization_config".</param>
    /// <returns>Where the model comes from; null where it does not say, or after a fault.</returns>
    public static ModelProvenance? Read(JsonFields quantization)
    {
        if (quantization.Object(Key) is not { } fields)
            return null;
        (string? version, string? source, string? calibration) = (Required("pique_version"), Required("source_sha256"), Required("calibration_sha256"));
        QatConfig? configuration = ReadConfiguration(fields);
        if (version is null || source is null || calibration is null || configuration is null)
            return null;
        return new ModelProvenance
        {
            Version = version,
            Configuration = configuration,
            SourceDigest = source,
            CalibrationDigest = calibration,
            RotationSeed = fields.WholeNumber("rotation_seed"),
        };

        string? Required(string key)
        {
            if (fields.Text(key) is { } text)
                return text;
            fields.Fault(key, fields.Has(key) ? "another value" : "nothing", "a string", PackedLayerJson.Fix);
            return null;
        }
    }

    private static QatConfig? ReadConfiguration(JsonFields fields)
    {
        if (fields.RawText("configuration") is not { } text)
        {
            fields.Fault("configuration", "nothing", "an object", PackedLayerJson.Fix);
            return null;
        }

        ConfigurationReading<QatConfig> reading = QatConfigJson.Examine(text);
        foreach (ConfigurationFault fault in reading.Faults)
            fields.Fault($"configuration.{fault.Path}", fault.Found, fault.Expected, PackedLayerJson.Fix);
        return reading.Faults.Count == 0 ? reading.Value : null;
    }
}
