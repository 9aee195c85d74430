using System.Text.Json;
using System.Text.Json.Nodes;
using Pique.Data;

namespace Pique.Evaluation;

/// <summary>Decides whether a generated text solves its problem.</summary>
public static class AnswerScoring
{
    /// <summary>Whether what follows the first answer mark equals the expected answer, blanks around both aside.</summary>
    /// <param name="generated">Text the model wrote after the prompt.</param>
    /// <param name="record">The problem.</param>
    public static bool IsCorrect(string generated, DataRecord.Reasoning record)
    {
        int mark = generated.IndexOf(RecordTemplate.AnswerMarker, StringComparison.Ordinal);
        return mark >= 0 && generated[(mark + RecordTemplate.AnswerMarker.Length)..].Trim() == record.Answer.Trim();
    }

    /// <summary>Whether the text parses as a call with the right name and equal arguments; order and white space do not matter.</summary>
    /// <param name="generated">Text the model wrote after the request.</param>
    /// <param name="record">The request.</param>
    public static bool IsCorrect(string generated, DataRecord.ToolCall record)
    {
        try
        {
            return JsonNode.DeepEquals(JsonNode.Parse(generated), JsonNode.Parse(record.Call));
        }
        catch (JsonException)
        {
            return false; // A call that does not parse is a wrong call.
        }
        catch (ArgumentException)
        {
            return false; // Nor is one that names a property twice.
        }
    }
}
