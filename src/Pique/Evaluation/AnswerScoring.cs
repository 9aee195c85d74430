using System.Text.Json;
using Pique.Data;

namespace Pique.Evaluation;

/// <summary>Decides whether a generated text solves its problem.</summary>
public static class AnswerScoring
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Whether what follows the first answer mark equals the expected answer, white space around both aside. Text after the answer makes it wrong.</summary>
    /// <param name="generated">Text the model wrote after the prompt.</param>
    /// <param name="record">The problem.</param>
    public static bool IsCorrect(string generated, DataRecord.Reasoning record)
    {
        int mark = generated.IndexOf(RecordTemplate.AnswerMarker, StringComparison.Ordinal);
        return mark >= 0 && generated.AsSpan(mark + RecordTemplate.AnswerMarker.Length).Trim().SequenceEqual(record.Answer.AsSpan().Trim());
    }

    /// <summary>Whether the text is one JSON value equal to the expected call: order of properties, white space and the notation of numbers and strings do not matter.</summary>
    /// <param name="generated">Text the model wrote after the request.</param>
    /// <param name="record">The request.</param>
    /// <exception cref="InputException">The expected call itself does not parse.</exception>
    public static bool IsCorrect(string generated, DataRecord.ToolCall record)
    {
        using JsonDocument expected = Parse(record.Call)
            ?? throw new InputException($"The expected call is no valid JSON: {record.Call}. Correct the record.");
        using JsonDocument? found = Parse(generated);
        try
        {
            return found is not null && JsonElement.DeepEquals(found.RootElement, expected.RootElement);
        }
        catch (InvalidOperationException)
        {
            return false; // A string that escapes half a character equals no text.
        }
    }

    /// <summary>A call that does not parse, nests deeper than the parser goes or names a property twice is none.</summary>
    private static JsonDocument? Parse(string text)
    {
        try
        {
            return JsonDocument.Parse(text, Strict);
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or ArgumentException)
        {
            return null; // The last two: half a character, escaped in a property's name or as it stands.
        }
    }
}
