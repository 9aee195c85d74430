using System.Text;
using System.Text.Json;

namespace Pique.Configuration;

/// <summary>Reads a whole JSON document into a configuration and its faults.</summary>
internal static class ConfigurationDocument
{
    // A configuration nests five deep; the bound keeps a hostile file from costing more than its text.
    private const int MaxDepth = 16;

    /// <summary>Reads a document.</summary>
    /// <param name="json">The text.</param>
    /// <param name="read">Reads the root object.</param>
    /// <param name="validate">Adds the faults of the value read.</param>
    /// <returns>What was read, or none where the document cannot be read, and every fault.</returns>
    public static ConfigurationReading<T> Read<T>(string json, Func<ObjectReader, T> read, Action<T, FaultCollector> validate) where T : class
    {
        FaultCollector faults = new();
        using JsonDocument? document = Parse(json, faults);
        if (document is null || ObjectReader.ReadWhole(document.RootElement, "", faults, read) is not (true, T value))
        {
            return new ConfigurationReading<T>(null, faults.Faults);
        }

        bool isWhole = faults.Faults.Count == 0;
        validate(value, faults);
        return new ConfigurationReading<T>(isWhole ? value : null, faults.Faults);
    }

    /// <summary>Parses a text; null, with a fault, where it is not JSON.</summary>
    public static JsonDocument? Parse(string json, FaultCollector faults)
    {
        JsonDocument? document = null;
        try
        {
            document = JsonDocument.Parse(new UTF8Encoding(false, throwOnInvalidBytes: true).GetBytes(json), new JsonDocumentOptions { MaxDepth = MaxDepth });
            RequireWholeCharacters(document.RootElement);
            return document;
        }
        catch (JsonException error)
        {
            string where = error.LineNumber is long line ? $"line {line + 1}, byte {error.BytePositionInLine + 1}: " : "";
            int end = error.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            string reason = (end < 0 ? error.Message : error.Message[..end]).TrimEnd('.');
            faults.Add("", $"text that is no JSON ({where}{reason})", $"one JSON object, at most {MaxDepth} levels deep, without comments", "mend it there");
        }
        catch (Exception error) when (error is EncoderFallbackException or InvalidOperationException)
        {
            document?.Dispose();
            faults.Add("", "half of a UTF-16 surrogate pair", "whole Unicode characters", "remove it or write both halves");
        }

        return null;
    }

    // An escape such as "\ud800" passes the parser and throws only where the string is read.
    private static void RequireWholeCharacters(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    _ = property.Name;
                    RequireWholeCharacters(property.Value);
                }

                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in element.EnumerateArray())
                {
                    RequireWholeCharacters(item);
                }

                break;
            case JsonValueKind.String:
                _ = element.GetString();
                break;
            default:
                break;
        }
    }
}
