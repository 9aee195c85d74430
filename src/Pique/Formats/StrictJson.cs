using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;

namespace Pique.Formats;

/// <summary>Looks a JSON text over before a document is made of it, which takes memory for every token and puts off some faults until a text is asked for.</summary>
internal static class StrictJson
{
    /// <summary>Most tokens of a model's configuration or index; the largest known index has about 200,000.</summary>
    public const int MostTokens = 1 << 21;

    /// <summary>Parses a text strictly: no comments, no trailing commas, no duplicate names, all text valid.</summary>
    /// <param name="json">UTF-8.</param>
    /// <exception cref="JsonException">The text is no such JSON.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> json)
    {
        Check(json.Span, MostTokens);
        return JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
    }

    /// <summary>Checks the syntax, that every text is valid and that there are not too many tokens.</summary>
    /// <param name="json">UTF-8.</param>
    /// <param name="mostTokens">Most tokens allowed.</param>
    /// <exception cref="JsonException">A check failed.</exception>
    public static void Check(ReadOnlySpan<byte> json, int mostTokens)
    {
        Utf8JsonReader reader = new(json);
        for (int tokens = 0; reader.Read(); tokens++)
        {
            if (tokens == mostTokens)
                throw new JsonException(string.Create(CultureInfo.InvariantCulture, $"more than {mostTokens} tokens, which no model needs"));
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && !IsText(ref reader))
                throw new JsonException(string.Create(CultureInfo.InvariantCulture, $"a text that is no valid Unicode at byte {reader.TokenStartIndex}"));
        }
    }

    private static bool IsText(ref Utf8JsonReader reader)
    {
        if (!reader.ValueIsEscaped)
            return Utf8.IsValid(reader.ValueSpan);
        try
        {
            reader.GetString();
            return true;
        }
        catch (InvalidOperationException)
        {
            // What the reader raises for half a surrogate pair.
            return false;
        }
    }
}
