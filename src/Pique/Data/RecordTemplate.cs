using System.Buffers;

namespace Pique.Data;

/// <summary>How a record reads as text: what the model is given and what it is to write.</summary>
/// <remarks>
/// A problem: <c>prompt⏎step⏎…⏎step⏎#### answer</c>, GSM8K's way of marking the answer. A tool call: <c>prompt⏎call</c>.
/// </remarks>
public static class RecordTemplate
{
    /// <summary>Opens the line of the final answer.</summary>
    public const string AnswerMarker = "####";

    private static readonly SearchValues<char> Operators = SearchValues.Create("+-*/×÷=");

    /// <summary>The text the model is given, line end included; null for running text, which has no prompt.</summary>
    /// <param name="record">The record.</param>
    public static string? Prompt(DataRecord record) => record switch
    {
        DataRecord.Reasoning problem => problem.Prompt + "\n",
        DataRecord.ToolCall call => call.Prompt + "\n",
        _ => null,
    };

    /// <summary>The text the model is to write.</summary>
    /// <param name="record">The record.</param>
    public static string Response(DataRecord record) => string.Concat(ResponseSegments(record).Select(segment => segment.Text));

    /// <summary>The response in segments that are encoded one by one, so that every span begins and ends on a token.</summary>
    /// <returns>Text and, where the segment is a reasoning span, its kind.</returns>
    internal static IEnumerable<(string Text, ReasoningSpanKind? Kind)> ResponseSegments(DataRecord record)
    {
        switch (record)
        {
            case DataRecord.Text text:
                yield return (text.Content, null);
                break;
            case DataRecord.ToolCall call:
                yield return (call.Call, null);
                break;
            case DataRecord.Reasoning problem:
                for (int step = 0; step < problem.Steps.Count; step++)
                {
                    yield return (problem.Steps[step] + "\n", KindOf(problem.Steps[step], isLast: step == problem.Steps.Count - 1));
                }

                yield return (AnswerMarker, null);
                yield return (" " + problem.Answer, ReasoningSpanKind.Answer);
                break;
        }
    }

    private static ReasoningSpanKind KindOf(string step, bool isLast)
    {
        if (isLast)
        {
            return ReasoningSpanKind.Conclusion;
        }

        return step.Any(char.IsAsciiDigit) && step.AsSpan().ContainsAny(Operators)
            ? ReasoningSpanKind.Calculation
            : ReasoningSpanKind.Step;
    }
}
