using System.Text.Json.Nodes;
using Pique.Cli.Rendering;
using Pique.Configuration;
using Pique.Pipeline;

namespace Pique.Cli;

/// <summary>Runs the training pipeline under a progress display; what train and demo share.</summary>
internal static class QatRun
{
    /// <summary>File of a run folder with the outcome.</summary>
    public const string ResultName = "result.json";

    /// <summary>Runs a recipe.</summary>
    /// <param name="context">Where to write.</param>
    /// <param name="recipe">A valid recipe.</param>
    /// <param name="runFolder">Folder of the run.</param>
    /// <param name="resume">Continue from the newest checkpoint.</param>
    /// <param name="interruptedAdvice">What to do after an interrupt.</param>
    /// <param name="tensorBoard">Write an event file of TensorBoard too.</param>
    /// <returns>The outcome and its duration, or null where the run was interrupted, which has then been told.</returns>
    public static (QatRunResult Result, TimeSpan Duration)? Execute(CommandContext context, Recipe recipe, string runFolder, bool resume, string interruptedAdvice, bool tensorBoard = false)
    {
        long started = context.Time.GetTimestamp();
        if (!context.Quiet)
        {
            Tables.DrawPairs(context.Terminal.Error, [.. RecipeSummary.Of(recipe), ("processor", RuntimeText()), ("run folder", runFolder)]);
            context.Note("");
        }

        QatRunResult? result = TrackedRun.Execute(context, interruptedAdvice, progress =>
        {
            var pipeline = new QatPipeline(context.Time, progress) { TensorBoard = tensorBoard, FastMath = TorchRuntime.Report.FastMath };
            pipeline.Reported += progress.Report;
            return pipeline.Run(recipe, runFolder, resume, context.Cancellation);
        });
        return result is null ? null : (result, context.Time.GetElapsedTime(started));
    }

    /// <summary>The closing table, the verdict and where everything lies.</summary>
    /// <param name="context">Where to write.</param>
    /// <param name="result">The outcome.</param>
    /// <param name="duration">How long it took.</param>
    public static void Print(CommandContext context, QatRunResult result, TimeSpan duration)
    {
        Tables.DrawScores(context.Terminal.Output, result.Scores);
        Tables.DrawVerdict(context.Terminal.Output, result.Scores);
        if (result.SkippedSteps > 0)
        {
            context.Terminal.OutputText.WriteLine(Units.Text($"{result.SkippedSteps} of {result.Steps} steps were skipped for a loss or gradient that was not finite."));
        }

        if (result.BestHeldOutLoss is { } loss)
        {
            context.Terminal.OutputText.WriteLine(Units.Text($"The model has the weights of step {result.FinalStep} of {result.Steps}; the lowest held-out loss while training was {loss:F4}."));
        }

        Tables.DrawPairs(context.Terminal.Output,
        [
            ("model", result.ModelFolder),
            .. result.Gguf is { } gguf ? [("gguf", GgufText.Summary(gguf))] : Array.Empty<(string, string)>(),
            ("report", result.ReportPath),
            ("time", Units.Duration(duration)),
        ]);
    }

    /// <summary>Processor, threads and MKL's path, for the header of a run.</summary>
    public static string RuntimeText()
    {
        RuntimeReport report = TorchRuntime.Report;
        string path = report.FastMath ? ", MKL's fast path" : report.Cpu.IsAmd ? ", MKL's slow path" : "";
        return Units.Text($"{report.Cpu}, {report.Threads} threads{path}");
    }

    /// <summary>Rows of all models.</summary>
    /// <param name="result">The outcome.</param>
    public static JsonArray Rows(QatRunResult result) => [.. result.Scores.Select(score => (JsonNode)JsonOutput.Row(score))];
}
