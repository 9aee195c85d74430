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
        var recipe = new Argument<string?>("RECIPE") { Description = "Recipe file; or give --config, --model and --data instead.", Arity = ArgumentArity.ZeroOrOne };
        var config = new Option<string?>("--config") { Description = $"Configuration file or preset ({string.Join(", ", Presets.Names)}).", HelpName = "FILE|PRESET" };
        var model = new Option<string?>("--model") { Description = "Model to train: Hugging Face folder, packed folder to go on from, .gguf file or llama2.c .bin file.", HelpName = "DIR" };
        var data = new Option<string[]>("--data") { Description = DataArgument.Description, HelpName = "FILE", AllowMultipleArgumentsPerToken = true };
        Option<WeightGrid?> grid = GridOption.Create("auto");
        var teacher = new Option<string?>("--teacher") { Description = "Teacher [default: the model itself].", HelpName = "DIR" };
        var calibration = new Option<string?>("--calibration") { Description = "Use this calibration.json in place of calibrating.", HelpName = "FILE" };
        var output = new Option<string>("--out") { Description = "Folder of the run.", HelpName = "DIR", DefaultValueFactory = _ => DefaultRunFolder };
        var resume = new Option<bool>("--resume") { Description = "Continue the run in the folder from its newest checkpoint." };
        var tensorBoard = new Option<bool>("--tensorboard") { Description = "Write the metrics as an event file of TensorBoard too." };
        var dryRun = new Option<bool>("--dry-run") { Description = "Measure two steps and tell memory and time of the run; train and write nothing." };
        var findRate = new Option<bool>("--find-learning-rate") { Description = $"Raise the learning rate over {LearningRateFinder.Steps} steps on a copy, tell the losses and suggest a rate; train nothing. Writes {LearningRateSearch.FileName} into --out [default: here]." };
        var command = new Command("train", "Train a model with the quantizer in the loop, under a full-precision teacher.")
        {
            recipe, config, model, data, grid, teacher, calibration, output, resume, tensorBoard, dryRun, findRate,
        };
        command.Validators.Add(result =>
        {
            bool hasRecipe = result.GetResult(recipe) is { Tokens.Count: > 0 };
            int given = new Option[] { config, model, data }.Count(option => result.GetResult(option) is { Implicit: false });
            if (hasRecipe ? given > 0 : given < 3)
            {
                result.AddError("train takes either a RECIPE, or --config, --model and --data together.");
            }
            else if (hasRecipe && result.GetResult(grid) is { Implicit: false })
            {
                result.AddError("--grid goes with --config; a RECIPE states its own \"grid\".");
            }

            Option[] alone = [.. new Option[] { resume, dryRun, findRate }.Where(option => result.GetResult(option) is { Implicit: false })];
            if (alone.Length > 1)
            {
                result.AddError($"{string.Join(" and ", alone.Select(option => option.Name))} do not go together; give one of them.");
            }
        });
        command.SetAction(parsed =>
        {
            CommandContext settings = context(parsed);
            Recipe choices = parsed.GetValue(recipe) is { } path
                ? Load(path)
                : RecipeComposer.Compose(ConfigOf(parsed.GetRequiredValue(config)!), parsed.GetRequiredValue(model)!, parsed.GetRequiredValue(data), parsed.GetValue(grid) ?? WeightGrid.Auto);
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

    private static Recipe Load(string path) => ConfigurationSource.Resolve(path) switch
    {
        ConfigurationSource.Training training => training.Recipe,
        ConfigurationSource.Bare => throw new InputException($"{path}: found a configuration alone, expected a recipe. Give it as --config, with --model and --data."),
        _ => throw new InputException($"{path}: found a pretraining recipe, expected a training recipe. Run it with pique pretrain."),
    };

    private static QatConfig ConfigOf(string nameOrPath) => ConfigurationSource.Resolve(nameOrPath) is ConfigurationSource.Bare bare
        ? bare.Config
        : throw new InputException($"--config: {nameOrPath} is a recipe, expected a configuration alone. Give it as RECIPE, without --config, --model and --data.");
}
