using System.Text.Json;
using System.Text.RegularExpressions;
using Pique.Configuration;

namespace Pique.Data;

/// <summary>One line of a JSON Lines file as a record.</summary>
internal static partial class JsonRecord
{
    private const string Expected =
        "expected \"text\"; or \"prompt\", \"reasoning\" and \"answer\"; or \"question\" and \"answer\"; or \"prompt\" and \"call\"";

    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Parses a line.</summary>
    /// <param name="line">One JSON object.</param>
    /// <param name="origin">File and line for messages.</param>
    /// <param name="domain">What running text is about.</param>
    /// <exception cref="InputException">The line is no such object.</exception>
    public static DataRecord Parse(string line, string origin, DataDomain domain)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line, Strict);
            return ToRecord(document.RootElement, origin, domain);
        }
        catch (JsonException error)
        {
            throw new InputException($"{origin}: not a JSON object: {error.Message}", error);
        }
    }

    private static DataRecord ToRecord(JsonElement json, string origin, DataDomain domain)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            throw new InputException($"{origin}: found a JSON {NameOf(json.ValueKind)}, expected an object a line.");
        }

        bool isText = json.TryGetProperty("text", out JsonElement text);
        bool isQuestion = json.TryGetProperty("question", out JsonElement question);
        bool isPrompt = json.TryGetProperty("prompt", out JsonElement prompt);
        bool hasAnswer = json.TryGetProperty("answer", out JsonElement answer);
        bool hasCall = json.TryGetProperty("call", out JsonElement call);
        bool hasReasoning = json.TryGetProperty("reasoning", out JsonElement reasoning);
        return (isText, isQuestion, isPrompt, hasReasoning, hasAnswer, hasCall) switch
        {
            (true, false, false, false, false, false) => new DataRecord.Text(Filled(text, "text", origin), domain),
            (false, true, false, false, true, false) =>
                GradeSchoolMath(Filled(question, "question", origin), Filled(answer, "answer", origin), origin),
            (false, false, true, true, true, false) => new DataRecord.Reasoning(
                Filled(prompt, "prompt", origin), Steps(reasoning, origin), Answer(answer, origin)),
            (false, false, true, false, false, true) => new DataRecord.ToolCall(Filled(prompt, "prompt", origin), Call(call, origin)),
            _ => throw new InputException($"{origin}: found {FieldsOf(json)}, {Expected}."),
        };
    }

    /// <summary>Reads GSM8K's answer: a step a line, then "#### " and the result. Calculator notes like &lt;&lt;48/2=24&gt;&gt; are dropped.</summary>
    private static DataRecord.Reasoning GradeSchoolMath(string question, string answer, string origin)
    {
        string[] lines = CalculatorNote().Replace(answer, "")
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (lines.Length == 0 || !lines[^1].StartsWith(RecordTemplate.AnswerMarker, StringComparison.Ordinal))
        {
            throw new InputException($"{origin}: \"answer\" ends without a result, expected a last line \"#### result\".");
        }

        string result = lines[^1][RecordTemplate.AnswerMarker.Length..].Trim();
        return result.Length == 0
            ? throw new InputException($"{origin}: \"answer\" has nothing after \"####\", expected the result.")
            : new DataRecord.Reasoning(question, lines[..^1], result);
    }

    private static string[] Steps(JsonElement reasoning, string origin)
    {
        if (reasoning.ValueKind != JsonValueKind.Array)
        {
            throw new InputException($"{origin}: \"reasoning\" is a JSON {NameOf(reasoning.ValueKind)}, expected an array of steps.");
        }

        return [.. reasoning.EnumerateArray().Select((step, index) => OneLine(step, $"reasoning[{index}]", origin))];
    }

    private static string Answer(JsonElement answer, string origin) => answer.ValueKind == JsonValueKind.Number
        ? answer.GetRawText()
        : OneLine(answer, "answer", origin);

    private static string Call(JsonElement call, string origin)
    {
        string text = call.ValueKind == JsonValueKind.Object ? call.GetRawText() : OneLine(call, "call", origin);
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, Strict);
            if (document.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("name", out JsonElement name) && name.ValueKind == JsonValueKind.String
                && root.TryGetProperty("arguments", out JsonElement arguments) && arguments.ValueKind == JsonValueKind.Object)
            {
                return text;
            }
        }
        catch (JsonException error)
        {
            throw new InputException($"{origin}: \"call\" is not a JSON object: {error.Message}", error);
        }

        throw new InputException($"{origin}: \"call\" lacks a part, expected an object with a string \"name\" and an object \"arguments\".");
    }

    private static string OneLine(JsonElement value, string field, string origin)
    {
        string text = Filled(value, field, origin);
        return text.AsSpan().ContainsAny('\n', '\r')
            ? throw new InputException($"{origin}: \"{field}\" has a line end, expected one line; make each line a step.")
            : text;
    }

    private static string Filled(JsonElement value, string field, string origin)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            throw new InputException($"{origin}: \"{field}\" is a JSON {NameOf(value.ValueKind)}, expected a string.");
        }

        string text;
        try
        {
            text = value.GetString()!;
        }
        catch (InvalidOperationException error)
        {
            throw new InputException($"{origin}: \"{field}\" has half of a surrogate pair, expected Unicode text.", error);
        }

        return string.IsNullOrWhiteSpace(text) ? throw new InputException($"{origin}: \"{field}\" is empty, expected text.") : text;
    }

    private static string FieldsOf(JsonElement json)
    {
        string[] fields = [.. json.EnumerateObject().Select(property => $"\"{property.Name}\"").Take(8)];
        return fields.Length == 0 ? "no field" : "the fields " + string.Join(", ", fields);
    }

    private static string NameOf(JsonValueKind kind) => kind switch
    {
        JsonValueKind.True or JsonValueKind.False => "boolean",
        _ => kind.ToString().ToLowerInvariant(),
    };

    [GeneratedRegex("<<[^<>]*>>")]
    private static partial Regex CalculatorNote();
}
