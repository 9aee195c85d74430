using System.CommandLine;
using System.Text.Json.Nodes;
using Pique.Cli.Rendering;
using Pique.Configuration;
using Pique.Pipeline;

namespace Pique.Cli.Commands;

/// <summary>pique train: quantization-aware training of a model.</summary>
internal static class TrainCommand
{
    private const string DefaultRunFolder = "run";

    public static Command Create(ContextFactory context)
    {
        var recipe = new RecipeOptions("Model to train: Hugging Face folder, packed folder to go on from, .gguf file or llama2.c .bin file.");
        var teacher = new Option<string?>("--teacher") { Description = "Teacher [default: the model itself].", HelpName = "DIR" };
        var calibration = new Option<string?>("--calibration") { Description = "Use this calibration.json in place of calibrating.", HelpName = "FILE" };
        var output = new Option<string>("--out") { Description = "Folder of the run.", HelpName = "DIR", DefaultValueFactory = _ => DefaultRunFolder };
        var resume = new Option<bool>("--resume") { Description = "Continue the run in the folder from its newest checkpoint." };
        var tensorBoard = new Option<bool>("--tensorboard") { Description = "Write the metrics as an event file of TensorBoard too." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Measure two steps and tell memory and time of the run; train and write nothing." };
        var findRate = new Option<bool>("--find-learning-rate") { Description = $"Raise the learning rate over {LearningRateFinder.Steps} steps on a copy, tell the losses and suggest a rate; train nothing. Writes {LearningRateSearch.FileName} into --out [default: here]." };
        Command command = recipe.CreateCommand(
            "train", "Train a model with the quantizer in the loop, under a full-precision teacher.", teacher, calibration, output, resume, tensorBoard, dryRun, findRate);
        command.Validators.Add(result =>
        {
            Option[] alone = [.. new Option[] { resume, dryRun, findRate }.Where(option => result.GetResult(option) is { Implicit: false })];
            if (alone.Length > 1)
            {
                result.AddError($"{string.Join(" and ", alone.Select(option => option.Name))} do not go together; give one of them.");
            }
            else if (result.GetResult(tensorBoard) is { Implicit: false } && alone is [var mode] && mode != resume)
            {
                result.AddError($"--tensorboard does not go with {mode.Name}, which trains nothing; leave one of them out.");
            }
        });
        command.SetAction(parsed =>
        {
            CommandContext settings = context(parsed);
            Recipe choices = recipe.Read(parsed);
            string? artifactPath = parsed.GetValue(calibration) is { } artifact ? Path.GetFullPath(artifact) : choices.Calibration.Artifact;
            string? teacherPath = parsed.GetValue(teacher) is { } given ? Path.GetFullPath(given) : choices.Teacher;
            choices = choices with
            {
                Teacher = teacherPath,
                Calibration = choices.Calibration with { Artifact = artifactPath },
                Training = choices.Training with { Seed = settings.Seed ?? choices.Training.Seed },
            };
            if (parsed.GetValue(dryRun))
            {
                return DryRun.Execute(settings, choices);
            }

            return parsed.GetValue(findRate)
                ? LearningRateSearch.Execute(settings, choices, parsed.GetResult(output) is { Implicit: false } ? parsed.GetRequiredValue(output) : ".")
                : Run(settings, choices, parsed.GetRequiredValue(output), parsed.GetValue(resume), parsed.GetValue(tensorBoard));
        });
        return command;
    }

    private static int Run(CommandContext context, Recipe recipe, string runFolder, bool resume, bool tensorBoard)
    {
        if (!resume)
        {
            OutputFolder.RequireNewRun(runFolder);
        }

        OutputFolder.RequireWritable(runFolder);
        context.StartTorch();
        if (recipe.Lora is not null)
        {
            TorchRuntime.SpareMemory(); // Adapters are chosen for the memory they save, and the allocator's gaps would take as much again.
        }

        if (QatRun.Execute(context, recipe, runFolder, resume, TrackedRun.ResumeAdvice(context), tensorBoard) is not var (result, duration))
        {
            return ExitCode.Interrupted;
        }

        var document = new JsonObject
        {
            ["run"] = runFolder,
            ["model"] = result.ModelFolder,
            ["gguf"] = result.Gguf?.Path,
            ["report"] = result.ReportPath,
            ["steps"] = result.Steps,
            ["skipped_steps"] = result.SkippedSteps,
            ["final_step"] = result.FinalStep,
            ["best_held_out_loss"] = JsonOutput.Number(result.BestHeldOutLoss),
            ["teacher_digest"] = result.TeacherDigest,
            ["model_digest"] = result.ModelDigest,
            ["runtime"] = JsonOutput.Runtime(),
            ["seconds"] = duration.TotalSeconds,
            ["rows"] = QatRun.Rows(result),
        };
        JsonOutput.Save(Path.Combine(runFolder, QatRun.ResultName), document);
        if (context.Json)
        {
            JsonOutput.Print(context.Terminal, document);
        }
        else
        {
            QatRun.Print(context, result, duration);
        }

        return ExitCode.Done;
    }
}
