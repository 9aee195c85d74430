using System.Text.Json;

namespace Pique.Configuration;

/// <summary>Reads the fields of one JSON object. Whatever is wrong becomes a fault and the field keeps its default, so that all faults are found in one pass.</summary>
internal sealed class ObjectReader
{
    private readonly Dictionary<string, JsonElement> _fields = new(StringComparer.Ordinal);
    private readonly List<string> _known = [];
    private readonly FaultCollector _faults;

    private ObjectReader(string path, FaultCollector faults)
    {
        Path = path;
        _faults = faults;
    }

    public string Path { get; }

    /// <summary>Opens an object; null, with a fault, where the value is something else.</summary>
    public static ObjectReader? Open(JsonElement element, string path, FaultCollector faults)
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            faults.Add(path, JsonValue.Describe(element), "an object", "write { … } with its fields");
            return null;
        }

        ObjectReader reader = new(path, faults);
        foreach (JsonProperty property in element.EnumerateObject())
        {
            if (!reader._fields.TryAdd(property.Name, property.Value))
            {
                faults.Add(FaultCollector.Join(path, property.Name), "the field a second time", "each field once", "keep one of them");
            }
        }

        return reader;
    }

    public bool Has(string name) => _fields.ContainsKey(name);

    public int Int32(string name, int fallback) => Value(name, fallback, JsonValue.Int32);

    public int? OptionalInt32(string name, int? fallback) => Value<int?>(name, fallback, JsonValue.Optional(JsonValue.Int32));

    public long Int64(string name, long fallback) => Value(name, fallback, JsonValue.Int64);

    public float Single(string name, float fallback) => Value(name, fallback, JsonValue.Single);

    public float? OptionalSingle(string name, float? fallback) => Value<float?>(name, fallback, JsonValue.Optional(JsonValue.Single));

    public bool Boolean(string name, bool fallback) => Value(name, fallback, JsonValue.Boolean);

    public string String(string name, string fallback) => Value(name, fallback, JsonValue.String);

    public string? OptionalString(string name, string? fallback) => Value<string?>(name, fallback, (element, path, faults) =>
        element.ValueKind == JsonValueKind.Null ? (true, null) : JsonValue.String(element, path, faults));

    public TEnum Enum<TEnum>(string name, TEnum fallback) where TEnum : struct, Enum => Value(name, fallback, JsonValue.Enum<TEnum>);

    public T Object<T>(string name, T fallback, Func<ObjectReader, T> read) => Value(name, fallback, (element, path, faults) => ReadWhole(element, path, faults, read));

    public T? OptionalObject<T>(string name, T? fallback, Func<ObjectReader, T> read) where T : class => Value(name, fallback, (element, path, faults) =>
        element.ValueKind == JsonValueKind.Null ? (true, null) : ReadWhole(element, path, faults, read));

    public IReadOnlyList<T> List<T>(string name, IReadOnlyList<T> fallback, Func<ObjectReader, T> read) => Value(name, fallback, (element, path, faults) =>
    {
        if (element.ValueKind != JsonValueKind.Array)
        {
            faults.Add(path, JsonValue.Describe(element), "a list", "write [ … ]");
            return (false, fallback);
        }

        List<T> items = [];
        int index = 0;
        foreach (JsonElement item in element.EnumerateArray())
        {
            (bool isRead, T value) = ReadWhole(item, $"{path}[{index++}]", faults, read);
            if (isRead)
            {
                items.Add(value);
            }
        }

        return (true, items);
    });

    /// <summary>Reads a field by a function of its element, its path and the faults.</summary>
    public T Value<T>(string name, T fallback, Func<JsonElement, string, FaultCollector, (bool IsRead, T Value)> read)
    {
        _known.Add(name);
        if (!_fields.TryGetValue(name, out JsonElement element))
        {
            return fallback;
        }

        (bool isRead, T value) = read(element, FaultCollector.Join(Path, name), _faults);
        return isRead ? value : fallback;
    }

    /// <summary>Reports that a field without a default is missing.</summary>
    public void Require(string name, string expected, string example)
    {
        if (!Has(name))
        {
            _faults.Add(FaultCollector.Join(Path, name), "nothing", expected, $"add {example}");
        }
    }

    /// <summary>Reports every field that nothing has asked for. Call it last.</summary>
    public void RejectUnknownFields()
    {
        foreach (string name in _fields.Keys.Except(_known, StringComparer.Ordinal))
        {
            string fix = NearestName.Of(name, _known) is string nearest ? $"write {nearest}, or remove it" : "remove it";
            _faults.Add(FaultCollector.Join(Path, name), $"the unknown field {FaultCollector.Quote(name)}", $"one of {string.Join(", ", _known)}", fix);
        }
    }

    /// <summary>Reads an element as an object with no field left over.</summary>
    internal static (bool IsRead, T Value) ReadWhole<T>(JsonElement element, string path, FaultCollector faults, Func<ObjectReader, T> read)
    {
        if (Open(element, path, faults) is not ObjectReader reader)
        {
            return (false, default!);
        }

        T value = read(reader);
        reader.RejectUnknownFields();
        return (true, value);
    }
}
