using System.Globalization;
using Pique.Evaluation;

namespace Pique.Reporting;

/// <summary>The closing table as text, the same in the terminal and on the report page.</summary>
public static class ScoreTable
{
    /// <summary>Column names.</summary>
    public static IReadOnlyList<string> Header { get; } =
        ["model", "bits/weight", "MB", "perplexity", "bits/byte", "KL to teacher", "top-1 agreement", "reasoning", "tool calls"];

    /// <summary>One model's row; a dash where a measure does not apply.</summary>
    /// <param name="score">The model's figures.</param>
    public static IReadOnlyList<string> Row(ModelScore score) =>
    [
        score.Name,
        Number(score.BitsPerWeight, "F2"),
        Number(score.FileBytes / 1e6, "F2"),
        Number(score.Quality.Perplexity, "F3"),
        Number(score.Quality.BitsPerByte, "F3"),
        Number(score.Quality.Teacher?.KlDivergence, "F4"),
        Number(score.Quality.Teacher?.Top1Agreement, "P1"),
        Share(score.Reasoning),
        Share(score.ToolCalls),
    ];

    private static string Share(AnswerAccuracy? accuracy) => accuracy is null
        ? "–"
        : string.Create(CultureInfo.InvariantCulture, $"{100 * accuracy.Accuracy:F1} % ({100 * accuracy.Interval.Lower:F0}–{100 * accuracy.Interval.Upper:F0})");

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "–";
}
