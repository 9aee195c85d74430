using System.Text.Json;

namespace Pique.Formats.Tokenizers;

/// <summary>A value of a JSON file together with its place, so that every complaint names it.</summary>
/// <param name="Element">The value; <see cref="JsonValueKind.Undefined"/> where the field is missing.</param>
/// <param name="File">File, for errors.</param>
/// <param name="Path">Path of the value in the file; empty for the root.</param>
internal readonly record struct JsonField(JsonElement Element, string File, string Path)
{
    /// <summary>True where the field is missing or null.</summary>
    public bool IsNull => Element.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null;

    /// <summary>Where the value stands, for errors.</summary>
    public string Where => Path.Length == 0 ? File : $"{File}: {Path}";

    /// <summary>A field of this object.</summary>
    public JsonField this[string name]
    {
        get
        {
            if (Element.ValueKind != JsonValueKind.Object)
                throw Wrong("an object");
            JsonElement value = Element.TryGetProperty(name, out JsonElement found) ? found : default;
            return new JsonField(value, File, Path.Length == 0 ? name : $"{Path}.{name}");
        }
    }

    /// <summary>Parses a file.</summary>
    /// <param name="path">File; at most <paramref name="maximumBytes"/> long.</param>
    /// <param name="maximumBytes">Largest size read.</param>
    /// <exception cref="InputException">The file is missing, too large or no JSON.</exception>
    public static JsonField ReadFile(string path, long maximumBytes)
    {
        byte[] content = TokenizerFile.Read(path, maximumBytes);
        try
        {
            ReadOnlyMemory<byte> json = content.AsSpan().StartsWith("\uFEFF"u8) ? content.AsMemory(3) : content;
            StrictJson.Check(json.Span, TokenizerFile.MaximumJsonTokens);
            using JsonDocument document = JsonDocument.Parse(json);
            return new JsonField(document.RootElement.Clone(), path, string.Empty);
        }
        catch (JsonException exception)
        {
            throw new InputException($"{path}: no valid JSON ({exception.Message}); fetch the file again.", exception);
        }
    }

    /// <summary>The text of the value.</summary>
    public string Text()
    {
        if (Element.ValueKind != JsonValueKind.String)
            throw Wrong("a string");
        try
        {
            return Element.GetString()!;
        }
        catch (InvalidOperationException exception)
        {
            throw new InputException($"{Where}: the string holds half a surrogate pair; fetch the file again.", exception);
        }
    }

    /// <summary>The text of the value, or null where it is missing or null.</summary>
    public string? OptionalText() => IsNull ? null : Text();

    /// <summary>The truth value, or a default where it is missing or null.</summary>
    public bool Flag(bool defaultValue) => Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ when IsNull => defaultValue,
        _ => throw Wrong("true or false"),
    };

    /// <summary>The number, a whole one from 0 up.</summary>
    public int Count() =>
        Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out int value) && value >= 0
            ? value
            : throw Wrong("a whole number from 0 up");

    /// <summary>The elements of an array; none where it is missing or null.</summary>
    public IEnumerable<JsonField> Items()
    {
        if (IsNull)
            return [];
        if (Element.ValueKind != JsonValueKind.Array)
            throw Wrong("an array");
        JsonField self = this;
        return Element.EnumerateArray().Select((item, index) => new JsonField(item, self.File, $"{self.Path}[{index}]"));
    }

    /// <summary>The fields of an object; none where it is missing or null.</summary>
    public IEnumerable<(string Name, JsonField Value)> Fields()
    {
        if (IsNull)
            return [];
        if (Element.ValueKind != JsonValueKind.Object)
            throw Wrong("an object");
        JsonField self = this;
        return Element.EnumerateObject().Select(field => (field.Name, new JsonField(field.Value, self.File, $"{self.Path}[\"{field.Name}\"]")));
    }

    /// <summary>The error for a component of a kind that is not known.</summary>
    public InputException Unsupported(string type, params ReadOnlySpan<string> supported) =>
        new($"{Where}: \"{type}\" is not supported; supported: {string.Join(", ", supported.ToArray())}. Use a checkpoint whose tokenizer is built from these.");

    /// <summary>The error for a value of the wrong kind.</summary>
    public InputException Wrong(string expected)
    {
        string found = Element.ValueKind == JsonValueKind.Undefined ? "nothing" : Element.GetRawText();
        if (found.Length > 60)
            found = found[..60] + "…";
        return new InputException($"{Where}: found {found}, expected {expected}; fetch the file again or correct it.");
    }
}
