using System.Text.Json;
using Pique.Configuration;

namespace Pique.Formats.HuggingFace;

/// <summary>Reads the fields of a JSON object, gathering faults instead of stopping at the first. A field that is null counts as absent.</summary>
internal sealed class JsonFields
{
    /// <summary>Most faults gathered: a file made to do harm could have millions.</summary>
    private const int MostFaults = 100;

    private const string ConfigFix = "use the config.json of the checkpoint";

    private readonly JsonElement _element;
    private readonly string _fix;
    private readonly string _prefix;
    private readonly List<ConfigurationFault> _faults;

    /// <summary>Reads an object.</summary>
    /// <param name="element">The object.</param>
    /// <param name="fix">What to do about a fault that has no remedy of its own.</param>
    public JsonFields(JsonElement element, string fix = ConfigFix) : this(element, fix, "", [])
    {
    }

    private JsonFields(JsonElement element, string fix, string prefix, List<ConfigurationFault> faults)
    {
        _element = element;
        _fix = fix;
        _prefix = prefix;
        _faults = faults;
    }

    /// <summary>Every fault so far, of this object and of those inside it.</summary>
    public IReadOnlyList<ConfigurationFault> Faults => _faults;

    /// <summary>Names of all fields, in the order of the text.</summary>
    public IEnumerable<string> Names => _element.EnumerateObject().Select(property => property.Name);

    /// <summary>Whether a field is there and not null.</summary>
    public bool Has(string key) => _element.TryGetProperty(key, out JsonElement field) && field.ValueKind != JsonValueKind.Null;

    /// <summary>Whether a field is there, be it null.</summary>
    public bool IsNamed(string key) => _element.TryGetProperty(key, out _);

    /// <summary>Adds a fault, unless there are very many already.</summary>
    public void Fault(string key, string found, string expected, string? fix = null)
    {
        if (_faults.Count < MostFaults)
            _faults.Add(new ConfigurationFault(MessageText.Name(_prefix + key), found, expected, fix ?? _fix));
    }

    /// <summary>A whole number, of at least 1 if not told otherwise, that must be there; 0 after a fault.</summary>
    public int Count(string key, int largest = int.MaxValue, int least = 1)
    {
        string expected = largest == int.MaxValue ? $"a whole number of at least {least}" : $"a whole number from {least} to {largest}";
        if (!Has(key))
        {
            Fault(key, "nothing", expected);
            return 0;
        }

        JsonElement field = _element.GetProperty(key);
        if (field.ValueKind == JsonValueKind.Number && field.TryGetInt32(out int count) && count >= least && count <= largest)
            return count;
        Fault(key, Describe(field), expected);
        return 0;
    }

    /// <summary>A finite number above 0.</summary>
    public float Positive(string key, float absent)
    {
        if (!Has(key))
            return absent;

        JsonElement field = _element.GetProperty(key);
        if (field.ValueKind == JsonValueKind.Number && field.TryGetSingle(out float number) && number > 0 && float.IsFinite(number))
            return number;
        Fault(key, Describe(field), "a finite number above 0");
        return absent;
    }

    /// <summary>A finite number above 0 that must be there; 0 after a fault.</summary>
    public float RequiredPositive(string key)
    {
        if (Has(key))
            return Positive(key, absent: 0);
        Fault(key, "nothing", "a finite number above 0");
        return 0;
    }

    /// <summary>True or false.</summary>
    public bool Flag(string key, bool absent)
    {
        if (!Has(key))
            return absent;

        JsonElement field = _element.GetProperty(key);
        if (field.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return field.GetBoolean();
        Fault(key, Describe(field), "true or false");
        return absent;
    }

    /// <summary>A string, or null where the field is none.</summary>
    public string? Text(string key) => Has(key) && _element.GetProperty(key) is { ValueKind: JsonValueKind.String } field ? field.GetString() : null;

    /// <summary>A whole number of any size and sign, or null where absent.</summary>
    public long? WholeNumber(string key)
    {
        if (!Has(key))
            return null;

        JsonElement field = _element.GetProperty(key);
        if (field.ValueKind == JsonValueKind.Number && field.TryGetInt64(out long number))
            return number;
        Fault(key, Describe(field), "a whole number");
        return null;
    }

    /// <summary>An array of strings, or null where absent or at fault.</summary>
    public IReadOnlyList<string>? Texts(string key)
    {
        if (!Has(key))
            return null;

        JsonElement field = _element.GetProperty(key);
        if (field.ValueKind == JsonValueKind.Array && field.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String))
            return [.. field.EnumerateArray().Select(item => item.GetString()!)];
        Fault(key, Describe(field), "an array of strings");
        return null;
    }

    /// <summary>What stands in a field that is there, as a fault shows it.</summary>
    public string Shown(string key) => Describe(_element.GetProperty(key));

    /// <summary>A text, or the beginning of a long one.</summary>
    public static string Shorten(string text)
    {
        const int LongestText = 60;
        return text.Length <= LongestText ? text : $"{text[..LongestText]}…";
    }

    /// <summary>The JSON text of a field, or null where absent.</summary>
    public string? RawText(string key) => Has(key) ? _element.GetProperty(key).GetRawText() : null;

    /// <summary>An object, or null where absent.</summary>
    public JsonFields? Object(string key)
    {
        if (!Has(key))
            return null;

        JsonElement field = _element.GetProperty(key);
        if (field.ValueKind == JsonValueKind.Object)
            return new JsonFields(field, _fix, $"{_prefix}{key}.", _faults);
        Fault(key, Describe(field), "an object");
        return null;
    }

    /// <summary>Demands that a field be exactly this JSON text, white space apart.</summary>
    public void RequireText(string key, string expected, string fix)
    {
        string found = Has(key) ? Describe(_element.GetProperty(key)) : "nothing";
        if (found != expected)
            Fault(key, found, expected, fix);
    }

    /// <summary>A value as compact JSON; a long one by its beginning.</summary>
    private static string Describe(JsonElement field) => Shorten(JsonSerializer.Serialize(field, JsonSerializerOptions.Default));
}
