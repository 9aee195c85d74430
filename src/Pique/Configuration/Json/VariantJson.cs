using System.Text.Json;

namespace Pique.Configuration;

/// <summary>The two closed choices of the configuration, tagged as serde tags an enum: "Name", or {"Name": {fields}}.</summary>
internal static class VariantJson
{
    private static readonly string[] SteVariants = ["Standard", "Clipped", "LearnedStepSize", "Ewgs"];
    /// <summary>What a recipe's "estimator" may be.</summary>
    public const string EstimatorForms = "null or {\"EwgsSigned\": {\"delta\": 0.05}}";

    private const string SteVariantForms = "\"Standard\", {\"Clipped\": {\"clip_val\": 1.0}}, \"LearnedStepSize\" or {\"Ewgs\": {\"lambda\": 0.1}}";

    private static readonly string[] Granularities = ["PerTensor", "PerChannel", "PerToken", "PerBlock"];

    /// <summary>What to do about an estimator of the configuration format that stands in the recipe's "estimator".</summary>
    public static string EstimatorFix(string name) => $"set qat.ste_variant to {name} and estimator to null: only what that format lacks is set here";

    public static void Write(PrettyJsonWriter json, string name, SteVariant? value)
    {
        switch (value)
        {
            case SteVariant.Clipped clipped:
                WriteTagged(json, name, "Clipped", () => json.Field("clip_val", clipped.ClipValue));
                break;
            case SteVariant.Ewgs ewgs:
                WriteTagged(json, name, "Ewgs", () => json.Field("lambda", ewgs.Lambda));
                break;
            case SteVariant.EwgsSigned signed:
                WriteTagged(json, name, "EwgsSigned", () => json.Field("delta", signed.Delta));
                break;
            default:
                json.Field(name, value?.GetType().Name);
                break;
        }
    }

    public static void Write(PrettyJsonWriter json, string name, QuantGranularity? value)
    {
        if (value is QuantGranularity.PerBlock block)
        {
            WriteTagged(json, name, "PerBlock", () => json.Field("block_size", block.BlockSize));
            return;
        }

        json.Field(name, value?.GetType().Name);
    }

    public static (bool IsRead, SteVariant Value) ReadSteVariant(JsonElement element, string path, FaultCollector faults)
    {
        (string? tag, JsonElement? body) = ReadTag(element);
        return (tag, body) switch
        {
            ("Standard", null) => (true, new SteVariant.Standard()),
            ("LearnedStepSize", null) => (true, new SteVariant.LearnedStepSize()),
            ("Clipped", JsonElement fields) => ObjectReader.ReadWhole<SteVariant>(fields, FaultCollector.Join(path, "Clipped"), faults,
                reader => new SteVariant.Clipped(reader.Single("clip_val", SteVariant.Clipped.DefaultClipValue))),
            ("Ewgs", JsonElement fields) => ObjectReader.ReadWhole<SteVariant>(fields, FaultCollector.Join(path, "Ewgs"), faults,
                reader => new SteVariant.Ewgs(reader.Single("lambda", SteVariant.Ewgs.DefaultLambda))),
            ("EwgsSigned", _) => (RejectEwgsSigned(path, faults), new SteVariant.Standard()),
            _ => (Reject(element, tag, path, faults, SteVariantForms, SteVariants), new SteVariant.Standard()),
        };
    }

    /// <summary>Reports the estimator that the configuration format lacks.</summary>
    public static bool RejectEwgsSigned(string path, FaultCollector faults)
    {
        faults.Add(path, "EwgsSigned, which the configuration format lacks", SteVariantForms, """set it as the recipe's "estimator", beside "qat", instead""");
        return false;
    }

    /// <summary>Reads a recipe's "estimator": null, or the one estimator that the configuration format lacks.</summary>
    public static (bool IsRead, SteVariant? Value) ReadEstimator(JsonElement element, string path, FaultCollector faults)
    {
        if (element.ValueKind == JsonValueKind.Null)
        {
            return (true, null);
        }

        (string? tag, JsonElement? body) = ReadTag(element);
        if (tag == "EwgsSigned" && body is JsonElement fields)
        {
            return ObjectReader.ReadWhole<SteVariant?>(fields, FaultCollector.Join(path, "EwgsSigned"), faults,
                reader => new SteVariant.EwgsSigned(reader.Single("delta", SteVariant.EwgsSigned.DefaultDelta)));
        }

        if (SteVariants.Contains(tag))
        {
            faults.Add(path, FaultCollector.Quote(tag!), EstimatorForms, EstimatorFix(tag!));
            return (false, null);
        }

        return (Reject(element, tag, path, faults, EstimatorForms, ["EwgsSigned"]), null);
    }

    public static (bool IsRead, QuantGranularity Value) ReadGranularity(JsonElement element, string path, FaultCollector faults)
    {
        (string? tag, JsonElement? body) = ReadTag(element);
        return (tag, body) switch
        {
            ("PerTensor", null) => (true, new QuantGranularity.PerTensor()),
            ("PerChannel", null) => (true, new QuantGranularity.PerChannel()),
            ("PerToken", null) => (true, new QuantGranularity.PerToken()),
            ("PerBlock", JsonElement fields) => ObjectReader.ReadWhole<QuantGranularity>(fields, FaultCollector.Join(path, "PerBlock"), faults, reader =>
            {
                reader.Require("block_size", "weights that share a scale, 1 or more", "\"block_size\": 32");
                return new QuantGranularity.PerBlock(reader.Int32("block_size", LayerOverride.DefaultBlockSize));
            }),
            _ => (Reject(element, tag, path, faults, """ "PerTensor", "PerChannel", "PerToken" or {"PerBlock": {"block_size": 32}} """, Granularities), new QuantGranularity.PerChannel()),
        };
    }

    private static void WriteTagged(PrettyJsonWriter json, string name, string tag, Action writeFields) =>
        json.Field(name, () => json.Object(() => json.Field(tag, () => json.Object(writeFields))));

    // No tag: neither a string nor an object of one field. No body: the tag stands alone as a string.
    private static (string? Tag, JsonElement? Body) ReadTag(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.String)
        {
            return (element.GetString(), null);
        }

        if (element.ValueKind != JsonValueKind.Object || element.EnumerateObject().Take(2).Count() != 1)
        {
            return (null, null);
        }

        JsonProperty only = element.EnumerateObject().First();
        return (only.Name, only.Value);
    }

    private static bool Reject(JsonElement element, string? tag, string path, FaultCollector faults, string expected, string[] tags)
    {
        string fix = tag is not null && NearestName.Of(tag, tags) is string nearest ? $"write {nearest} in the form shown" : "write one of them";
        string found = tag is not null && element.ValueKind == JsonValueKind.Object ? $"an object with the field {FaultCollector.Quote(tag)}" : JsonValue.Describe(element);
        faults.Add(path, found, expected.Trim(), fix);
        return false;
    }
}
