using System.Globalization;
using System.Text.Json.Nodes;
using Pique.Cli.Rendering;
using Pique.Configuration;
using Pique.Formats;
using Pique.Pipeline;
using Pique.Reporting;

namespace Pique.Cli;

/// <summary>pique train --find-learning-rate: how the loss answers to a rising learning rate, with nothing trained.</summary>
internal static class LearningRateSearch
{
    /// <summary>The figures.</summary>
    public const string FileName = "lr-range.json";

    /// <summary>Their picture.</summary>
    public const string PlotName = "lr-range.png";

    /// <summary>Rows of the table on the terminal; the file has all steps.</summary>
    private const int TableRows = 20;

    /// <summary>Searches, prints and writes.</summary>
    /// <param name="context">Where to write.</param>
    /// <param name="recipe">A valid recipe.</param>
    /// <param name="folder">Folder of the two files.</param>
    public static int Execute(CommandContext context, Recipe recipe, string folder)
    {
        OutputFolder.RequireWritable(folder);
        context.StartTorch();
        if (!context.Quiet)
        {
            Tables.DrawPairs(context.Terminal.Error, RecipeSummary.Of(recipe));
            context.Note("");
        }

        LearningRateRange range = ProgressDisplay.Run(context, display =>
        {
            var progress = new TrainingProgress(display);
            var finder = new LearningRateFinder(context.Time, progress);
            finder.Reported += progress.Report;
            return finder.Search(recipe, context.Cancellation);
        });

        JsonObject document = Document(range);
        Directory.CreateDirectory(folder);
        JsonOutput.Save(Path.Combine(folder, FileName), document);
        byte[] plot = LearningRatePlot.Draw(
            [.. range.Points.Select(point => point.LearningRate)], [.. range.Points.Select(point => point.Loss)], [.. range.Points.Select(point => point.SmoothedLoss)], range.SuggestedRate);
        AtomicFile.Write(Path.Combine(folder, PlotName), stream => stream.Write(plot));
        if (context.Json)
        {
            JsonOutput.Print(context.Terminal, document);
        }
        else
        {
            Print(context, range, folder);
        }

        return ExitCode.Done;
    }

    private static JsonObject Document(LearningRateRange range) => new()
    {
        ["suggested_learning_rate"] = JsonOutput.Number(range.SuggestedRate),
        ["lowest_loss_learning_rate"] = JsonOutput.Number(range.LowestLossRate),
        ["steepest_learning_rate"] = JsonOutput.Number(range.SteepestRate),
        ["steps"] = new JsonArray([.. range.Points.Select(point => new JsonObject
        {
            ["learning_rate"] = JsonOutput.Number(point.LearningRate),
            ["loss"] = JsonOutput.Number(point.Loss),
            ["smoothed_loss"] = JsonOutput.Number(point.SmoothedLoss),
        })]),
    };

    private static void Print(CommandContext context, LearningRateRange range, string folder)
    {
        int stride = (range.Points.Count + TableRows - 1) / TableRows;
        IEnumerable<LearningRatePoint> rows = range.Points.Where((_, index) => (range.Points.Count - 1 - index) % stride == 0);
        Tables.Draw(context.Terminal.Output, ["learning rate", "loss", "running mean"], rows.Select(point =>
            (IReadOnlyList<string>)[Rate(point.LearningRate), Units.Text($"{point.Loss:F4}"), Units.Text($"{point.SmoothedLoss:F4}")]));
        Tables.DrawPairs(context.Terminal.Output,
        [
            ("lowest loss at", Rate(range.LowestLossRate)),
            ("falls fastest at", range.SteepestRate is { } steepest ? Rate(steepest) : "never"),
            ("suggested", Rate(range.SuggestedRate) + ", a tenth of the first, as training.weight_learning_rate"),
            ("written", $"{Path.Combine(folder, FileName)}, {PlotName}"),
        ]);
    }

    private static string Rate(double rate) => rate.ToString("0.0e+0", CultureInfo.InvariantCulture);
}
