using System.CommandLine;
using System.Text.Json.Nodes;
using Pique.Cli.Rendering;
using Pique.Configuration;
using Pique.Pipeline;
using Pique.Training;

namespace Pique.Cli.Commands;

/// <summary>pique demo: the whole pipeline on the model and data that come with the program.</summary>
internal static class DemoCommand
{
    private const string DefaultPreset = "piq3";

    /// <summary>What a run folder holds.</summary>
    private static readonly HashSet<string> RunEntries =
        [RunLock.FileName, "recipe.json", "calibration.json", "calibration.safetensors", "metrics.jsonl", "checkpoints", "model", "model.gguf", "report.html", "result.json"];

    public static Command Create(ContextFactory context)
    {
        var preset = new Option<string>("--preset") { Description = $"Preset ({string.Join(", ", Presets.Names)}) or configuration file.", HelpName = "NAME|FILE", DefaultValueFactory = _ => DefaultPreset };
        var quick = new Option<bool>("--quick") { Description = "Less data, done within a minute; costs quality." };
        var output = new Option<string?>("--out") { Description = "Folder of the run [default: pique-demo-PRESET]. That of an earlier demo is replaced.", HelpName = "DIR" };
        var command = new Command("demo", "Run the whole pipeline on the embedded model and data.") { preset, quick, output };
        command.SetAction(parsed => Run(context(parsed), parsed.GetRequiredValue(preset), parsed.GetValue(quick), parsed.GetValue(output)));
        return command;
    }

    private static int Run(CommandContext context, string preset, bool quick, string? output)
    {
        if (ConfigurationSource.Resolve(preset) is not ConfigurationSource.Bare { Config: var config })
        {
            throw new InputException($"--preset: {preset} is a recipe, expected a configuration. Name one of {string.Join(", ", Presets.Names)}, or run the recipe with pique train.");
        }

        string runFolder = output ?? $"pique-demo-{Path.GetFileNameWithoutExtension(preset)}";
        Recipe recipe = DemoRecipe.Compose(config, EmbeddedModel.Find(), quick);
        recipe = recipe with { Training = recipe.Training with { Seed = context.Seed ?? recipe.Training.Seed } };
        RecipeComposer.Checked(recipe, "the demo's recipe");
        bool replaces = IsEarlierDemo(runFolder);
        if (!replaces)
        {
            OutputFolder.RequireNew(runFolder);
        }

        OutputFolder.RequireWritable(runFolder);
        context.StartTorch();
        if (replaces)
        {
            // Not while another demo trains in it.
            using RunLock held = RunLock.Acquire(runFolder);
            Directory.Delete(runFolder, recursive: true);
        }

        if (QatRun.Execute(context, recipe, runFolder, resume: false, "Run the demo again to start over.") is not var (result, duration))
        {
            return ExitCode.Interrupted;
        }

        var document = new JsonObject
        {
            ["preset"] = preset,
            ["seconds"] = duration.TotalSeconds,
            ["rows"] = QatRun.Rows(result),
            ["gguf"] = result.Gguf?.Path,
            ["report"] = result.ReportPath,
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

    /// <summary>Whether a folder holds an earlier demo and nothing else, so that it may be replaced.</summary>
    private static bool IsEarlierDemo(string folder)
    {
        string recipePath = Path.Combine(folder, RunFolder.RecipeName);
        if (!File.Exists(recipePath)
            || !Directory.EnumerateFileSystemEntries(folder).All(entry => RunEntries.Contains(Path.GetFileName(entry).Replace(".partial", "", StringComparison.Ordinal))))
        {
            return false;
        }

        try
        {
            return RecipeFile.Load(recipePath) is ConfigurationSource.Training { Recipe: var recipe } && DemoRecipe.IsDemo(recipe);
        }
        catch (InputException)
        {
            return false; // No recipe of this version: not ours to delete.
        }
    }
}
