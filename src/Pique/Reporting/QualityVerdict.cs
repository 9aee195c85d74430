using System.Globalization;
using Pique.Evaluation;

namespace Pique.Reporting;

/// <summary>The plain answer to "did quality survive?".</summary>
/// <param name="IsWorse">Whether the trained model lost more than the tolerances allow.</param>
/// <param name="Text">One or two sentences for the reader.</param>
public sealed record QualityVerdict(bool IsWorse, string Text)
{
    /// <summary>Perplexity may rise to this multiple of the teacher's before the verdict is "worse".</summary>
    public const double PerplexityTolerance = 1.10;

    /// <summary>Accuracies may fall to this share of the teacher's before the verdict is "worse".</summary>
    public const double AccuracyTolerance = 0.97;

    /// <summary>Compares the last row with the first.</summary>
    /// <param name="scores">Rows, at least one; the teacher first, the model in question last.</param>
    public static QualityVerdict Of(IReadOnlyList<ModelScore> scores)
    {
        ModelScore teacher = scores[0];
        ModelScore model = scores[^1];
        double ratio = model.Quality.Perplexity / teacher.Quality.Perplexity;
        var losses = new List<string>();
        if (!(ratio <= PerplexityTolerance)) // A perplexity that is no number is worse than any.
        {
            losses.Add(string.Create(CultureInfo.InvariantCulture, $"perplexity is {ratio:F2} times the teacher's"));
        }

        AddLoss(losses, "reasoning", teacher.Reasoning, model.Reasoning);
        AddLoss(losses, "tool-call", teacher.ToolCalls, model.ToolCalls);
        double smaller = (double)teacher.FileBytes / model.FileBytes;
        string size = string.Create(
            CultureInfo.InvariantCulture,
            $"{model.BitsPerWeight:F2} bits per weight, {(smaller >= 1 ? smaller : 1 / smaller):F1} times {(smaller >= 1 ? "smaller" : "larger")} than the teacher's file");
        return losses.Count == 0
            ? new QualityVerdict(false, string.Create(CultureInfo.InvariantCulture, $"Quality survived: {size}, perplexity {ratio:F3} times the teacher's."))
            : new QualityVerdict(true, $"Quality got worse: {string.Join("; ", losses)} ({size}).");
    }

    private static void AddLoss(List<string> losses, string what, AnswerAccuracy? teacher, AnswerAccuracy? model)
    {
        if (teacher is { Correct: > 0 } && model is not null && model.Accuracy < AccuracyTolerance * teacher.Accuracy)
        {
            losses.Add(string.Create(
                CultureInfo.InvariantCulture,
                $"{what} accuracy is {100 * model.Accuracy:F1} % against the teacher's {100 * teacher.Accuracy:F1} %"));
        }
    }
}
