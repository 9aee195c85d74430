using System.Globalization;
using System.Text.Json;

namespace Pique.Configuration;

/// <summary>JSON of a recipe's calibration, and of the bits that calibration is to choose.</summary>
internal static class CalibrationJson
{
    /// <summary>What <see cref="CalibrationMethod.Rtn"/> was called before there were others.</summary>
    private const string FormerRtn = "absmax";

    private const string AutoPrefix = "auto:";

    public static void Write(PrettyJsonWriter json, string name, CalibrationRecipe calibration) => json.Field(name, () => json.Object(() =>
    {
        json.Field("method", calibration.Method);
        json.Field("weighted", calibration.Weighted ?? calibration.WeighsErrors);
        json.Field("samples", () => WriteSamples(json, calibration.Samples));
        json.Field("percentile", calibration.Percentile);
        json.Field("damping", calibration.Damping);
        json.Field("activation_order", calibration.ActivationOrder);
        json.Field("artifact", calibration.Artifact);
    }));

    public static CalibrationRecipe Read(ObjectReader fields)
    {
        CalibrationRecipe fallback = new();
        return new CalibrationRecipe
        {
            Method = fields.Value("method", fallback.Method, ReadMethod),
            Weighted = fields.Value<bool?>("weighted", fallback.Weighted, JsonValue.Optional(JsonValue.Boolean)),
            Samples = fields.OptionalObject("samples", fallback.Samples, ReadSamples),
            Percentile = fields.Single("percentile", fallback.Percentile),
            Damping = fields.Single("damping", fallback.Damping),
            ActivationOrder = fields.Boolean("activation_order", fallback.ActivationOrder),
            Artifact = fields.OptionalString("artifact", fallback.Artifact),
        };
    }

    /// <summary>Bits of an override: a number, "auto:2.5" for an average that calibration divides over the layers, or null.</summary>
    public static void WriteBits(PrettyJsonWriter json, string name, LayerOverride layers)
    {
        if (layers.AverageBits is { } average)
        {
            json.Field(name, AutoPrefix + average.ToString(CultureInfo.InvariantCulture));
            return;
        }

        json.Field(name, layers.Bits);
    }

    /// <summary>Reads what <see cref="WriteBits"/> writes.</summary>
    public static (bool IsRead, (int? Bits, float? Average) Value) ReadBits(JsonElement element, string path, FaultCollector faults)
    {
        if (element.ValueKind != JsonValueKind.String)
        {
            (bool isRead, int? bits) = JsonValue.Optional(JsonValue.Int32)(element, path, faults);
            return (isRead, (bits, null));
        }

        string text = element.GetString()!;
        bool isAverage = text.StartsWith(AutoPrefix, StringComparison.Ordinal);
        float average = 0;
        if (isAverage && float.TryParse(text.AsSpan(AutoPrefix.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out average))
        {
            return (true, (null, average));
        }

        faults.Add(path, JsonValue.Describe(element), "2, 3, 4, 5, 8, an average as \"auto:2.5\", or null", "write one of them");
        return (false, (null, null));
    }

    private static (bool IsRead, CalibrationMethod Value) ReadMethod(JsonElement element, string path, FaultCollector faults) =>
        element.ValueKind == JsonValueKind.String && element.GetString() == FormerRtn
            ? (true, CalibrationMethod.Rtn)
            : JsonValue.Enum<CalibrationMethod>(element, path, faults);

    private static void WriteSamples(PrettyJsonWriter json, CalibrationSampleCounts? samples)
    {
        if (samples is null)
        {
            json.String(null);
            return;
        }

        json.Object(() =>
        {
            json.Field("general", samples.General);
            json.Field("reasoning", samples.Reasoning);
            json.Field("tool_use", samples.ToolUse);
            json.Field("code", samples.Code);
        });
    }

    private static CalibrationSampleCounts ReadSamples(ObjectReader fields) => new()
    {
        General = fields.Int32("general", 0),
        Reasoning = fields.Int32("reasoning", 0),
        ToolUse = fields.Int32("tool_use", 0),
        Code = fields.Int32("code", 0),
    };
}
