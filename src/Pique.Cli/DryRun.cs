using System.Text.Json.Nodes;
using Pique.Cli.Rendering;
using Pique.Configuration;
using Pique.Pipeline;

namespace Pique.Cli;

/// <summary>pique train --dry-run: what a run will take, from two steps, with nothing written.</summary>
internal static class DryRun
{
    /// <summary>Measures and prints.</summary>
    /// <param name="context">Where to write.</param>
    /// <param name="recipe">A valid recipe.</param>
    /// <exception cref="InputException">The run cannot fit into memory, or the recipe's inputs cannot be used.</exception>
    public static int Execute(CommandContext context, Recipe recipe)
    {
        context.StartTorch();
        if (!context.Quiet)
        {
            Tables.DrawPairs(context.Terminal.Error, RecipeSummary.Of(recipe));
            context.Note("");
        }

        TrainingPlan plan = ProgressDisplay.Run(context, display =>
        {
            var progress = new TrainingProgress(display);
            var planner = new TrainingPlanner(context.Time, progress);
            planner.Reported += progress.Report;
            return planner.Plan(recipe, context.Cancellation);
        });
        if (context.Json)
        {
            JsonOutput.Print(context.Terminal, Document(plan));
        }
        else
        {
            Print(context, plan);
        }

        return ExitCode.Done;
    }

    private static JsonObject Document(TrainingPlan plan)
    {
        JsonObject document = DocumentOf(plan);
        if (plan.BlockSteps > 0)
        {
            document["block_steps"] = plan.BlockSteps;
            document["block_step_seconds"] = JsonOutput.Number(plan.BlockStepSeconds);
            document["block_pass_seconds"] = JsonOutput.Number(plan.BlockPassSeconds);
            document["activation_disk_bytes"] = plan.ActivationDiskBytes;
        }

        return document;
    }

    private static JsonObject DocumentOf(TrainingPlan plan) => new()
    {
        ["weights"] = plan.WeightCount,
        ["quantization_parameters"] = plan.QuantizationParameterCount,
        ["tokens_per_epoch"] = plan.TokensPerEpoch,
        ["tokens"] = Math.Round(plan.Tokens),
        ["steps_per_epoch"] = plan.StepsPerEpoch,
        ["steps"] = plan.Steps,
        ["step_seconds"] = JsonOutput.Number(plan.StepSeconds),
        ["evaluations"] = plan.Evaluations,
        ["evaluation_seconds"] = JsonOutput.Number(plan.EvaluationSeconds),
        ["training_seconds"] = JsonOutput.Number(plan.TrainingSeconds),
        ["peak_memory_bytes"] = plan.PeakMemoryBytes,
        ["available_memory_bytes"] = plan.AvailableMemoryBytes,
    };

    private static void Print(CommandContext context, TrainingPlan plan)
    {
        string memory = plan.PeakMemoryBytes is { } peak ? Units.Bytes(peak) : "unknown";
        Tables.DrawPairs(context.Terminal.Output,
        [
            ("parameters", Units.Text($"{plan.WeightCount:N0} weights, {plan.QuantizationParameterCount:N0} of the quantizers")),
            ("tokens", Units.Text($"{plan.TokensPerEpoch:N0} an epoch, {plan.Tokens:N0} in all")),
            .. plan.BlockSteps > 0 ? [("steps of blocks", Units.Text($"{plan.BlockSteps:N0}, {plan.BlockStepSeconds:F2} s each; activations take {Units.Bytes(plan.ActivationDiskBytes)} on the disk"))] : Array.Empty<(string, string)>(),
            ("steps", Units.Text($"{plan.Steps:N0}, {plan.StepsPerEpoch:N0} an epoch, {plan.StepSeconds:F2} s each")),
            .. plan.Evaluations > 0 ? [("evaluations", Units.Text($"{plan.Evaluations:N0} of the held-out loss, {plan.EvaluationSeconds:F2} s each"))] : Array.Empty<(string, string)>(),
            ("peak memory", memory + (plan.AvailableMemoryBytes is { } available ? $" of {Units.Bytes(available)} available" : "")),
            ("training time", Units.Duration(TimeSpan.FromSeconds(plan.TrainingSeconds))),
        ]);
    }
}
