using System.CommandLine;
using System.Text.Json.Nodes;
using Pique.Cli.Rendering;
using Pique.Configuration;
using Pique.Evaluation;
using Pique.Pipeline;

namespace Pique.Cli.Commands;

/// <summary>pique pretrain: trains a model in full precision.</summary>
internal static class PretrainCommand
{
    private const string DefaultRunFolder = "run";

    public static Command Create(ContextFactory context)
    {
        var recipe = new Argument<string>("RECIPE") { Description = "Pretraining recipe." };
        var output = new Option<string>("--out") { Description = "Folder of the run.", HelpName = "DIR", DefaultValueFactory = _ => DefaultRunFolder };
        var resume = new Option<bool>("--resume") { Description = "Continue the run in the folder from its newest checkpoint." };
        var command = new Command("pretrain", "Train a model in full precision, from random weights or on from an earlier model.") { recipe, output, resume };
        command.SetAction(parsed => Run(context(parsed), parsed.GetRequiredValue(recipe), parsed.GetRequiredValue(output), parsed.GetValue(resume)));
        return command;
    }

    private static int Run(CommandContext context, string recipePath, string runFolder, bool resume)
    {
        if (ConfigurationSource.Resolve(recipePath) is not ConfigurationSource.Pretraining { Recipe: var recipe })
        {
            throw new InputException($"{recipePath}: found no pretraining recipe, expected one with an architecture and a tokenizer. Train an existing model with pique train.");
        }

        recipe = recipe with { Training = recipe.Training with { Seed = context.Seed ?? recipe.Training.Seed } };
        if (!resume)
        {
            OutputFolder.RequireNewRun(runFolder);
        }

        OutputFolder.RequireWritable(runFolder);
        context.StartTorch();
        long started = context.Time.GetTimestamp();
        ShowHeader(context, recipe, runFolder);
        ModelScore? score = TrackedRun.Execute(context, TrackedRun.ResumeAdvice(context), progress =>
        {
            var pretraining = new Pretraining(context.Time) { FastMath = TorchRuntime.Report.FastMath };
            pretraining.Reported += progress.Report;
            return pretraining.Run(recipe, runFolder, resume, context.Cancellation);
        });
        if (score is null)
        {
            return ExitCode.Interrupted;
        }

        Report(context, runFolder, score, context.Time.GetElapsedTime(started));
        return ExitCode.Done;
    }

    private static void Report(CommandContext context, string runFolder, ModelScore score, TimeSpan duration)
    {
        string modelFolder = Path.Combine(runFolder, Pretraining.ModelFolderName);
        var document = new JsonObject
        {
            ["run"] = runFolder,
            ["model"] = modelFolder,
            ["runtime"] = JsonOutput.Runtime(),
            ["seconds"] = duration.TotalSeconds,
            ["rows"] = new JsonArray(JsonOutput.Row(score)),
        };
        JsonOutput.Save(Path.Combine(runFolder, QatRun.ResultName), document);
        if (context.Json)
        {
            JsonOutput.Print(context.Terminal, document);
            return;
        }

        Tables.DrawScores(context.Terminal.Output, [score]);
        Tables.DrawPairs(context.Terminal.Output, [("model", modelFolder), ("time", Units.Duration(duration))]);
    }

    private static void ShowHeader(CommandContext context, PretrainRecipe recipe, string runFolder)
    {
        if (context.Quiet)
        {
            return;
        }

        ArchitectureRecipe shape = recipe.Architecture;
        Tables.DrawPairs(context.Terminal.Error,
        [
            ("model", Units.Text($"{shape.Layers} layers of width {shape.HiddenSize}, feed-forward {shape.IntermediateSize}, {shape.Heads} heads, {shape.KeyValueHeads} key/value heads")),
            ("vocabulary", Units.Text($"{recipe.Tokenizer.VocabularySize} tokens, {(shape.TieEmbeddings ? "tied" : "separate")} head")),
            ("epochs", Units.Text($"{recipe.Epochs}")),
            ("learning rate", Units.Text($"{recipe.LearningRate}, {recipe.Training.Schedule}")),
            ("batch", Units.Text($"{recipe.Training.BatchTokens} tokens in rows of {recipe.Data.ContextTokens}")),
            ("seed", Units.Text($"{recipe.Training.Seed}")),
            ("processor", QatRun.RuntimeText()),
            ("run folder", runFolder),
        ]);
        context.Note("");
    }
}
