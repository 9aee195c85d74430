using System.Text.Json;

namespace Pique.Configuration;

/// <summary>Reads single JSON values as serde does: integers without fraction or exponent, any number as a float, nothing converted from text.</summary>
internal static class JsonValue
{
    public static (bool IsRead, int Value) Int32(JsonElement element, string path, FaultCollector faults)
    {
        int value = 0;
        bool isRead = element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out value);
        return (isRead || Reject(element, path, faults, $"a whole number from {int.MinValue} to {int.MaxValue}", "write it without quotes, fraction or exponent"), value);
    }

    public static (bool IsRead, long Value) Int64(JsonElement element, string path, FaultCollector faults)
    {
        long value = 0;
        bool isRead = element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out value);
        return (isRead || Reject(element, path, faults, $"a whole number from {long.MinValue} to {long.MaxValue}", "write it without quotes, fraction or exponent"), value);
    }

    public static (bool IsRead, float Value) Single(JsonElement element, string path, FaultCollector faults)
    {
        float value = 0;
        bool isRead = element.ValueKind == JsonValueKind.Number && element.TryGetSingle(out value) && float.IsFinite(value);
        return (isRead || Reject(element, path, faults, "a number within the range of single precision", "write a number as 0.5 or 1e-4, without quotes"), value);
    }

    public static (bool IsRead, bool Value) Boolean(JsonElement element, string path, FaultCollector faults) =>
        (element.ValueKind is JsonValueKind.True or JsonValueKind.False || Reject(element, path, faults, "true or false", "write one of them without quotes"), element.ValueKind == JsonValueKind.True);

    public static (bool IsRead, string Value) String(JsonElement element, string path, FaultCollector faults) =>
        element.ValueKind == JsonValueKind.String
            ? (true, element.GetString()!)
            : (Reject(element, path, faults, "a string", "write it in double quotes"), "");

    public static (bool IsRead, TEnum Value) Enum<TEnum>(JsonElement element, string path, FaultCollector faults) where TEnum : struct, Enum
    {
        IReadOnlyList<string> names = SnakeCase.NamesOf<TEnum>();
        string expected = $"one of {string.Join(", ", names.Select(name => $"\"{name}\""))}";
        if (element.ValueKind != JsonValueKind.String)
        {
            return (Reject(element, path, faults, expected, "write one of them in double quotes"), default);
        }

        string text = element.GetString()!;
        int index = names.ToList().IndexOf(text);
        return index >= 0
            ? (true, System.Enum.GetValues<TEnum>()[index])
            : (Reject(element, path, faults, expected, $"write \"{NearestName.Of(text, names) ?? names[0]}\""), default);
    }

    /// <summary>The same reader, with null for an absent value.</summary>
    public static Func<JsonElement, string, FaultCollector, (bool IsRead, T? Value)> Optional<T>(Func<JsonElement, string, FaultCollector, (bool IsRead, T Value)> read) where T : struct =>
        (element, path, faults) => element.ValueKind == JsonValueKind.Null ? (true, null) : read(element, path, faults);

    /// <summary>A value as a message shows it.</summary>
    public static string Describe(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => $"the string {FaultCollector.Quote(element.GetString()!)}",
        JsonValueKind.Number => Shorten(element.GetRawText()),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "null",
    };

    private static bool Reject(JsonElement element, string path, FaultCollector faults, string expected, string fix)
    {
        faults.Add(path, Describe(element), expected, fix);
        return false;
    }

    private static string Shorten(string number) => number.Length > 40 ? string.Concat(number.AsSpan(0, 40), "…") : number;
}
