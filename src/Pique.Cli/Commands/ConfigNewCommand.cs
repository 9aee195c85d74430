using System.CommandLine;
using System.Text;
using System.Text.Json.Nodes;
using Pique.Cli.Rendering;
using Pique.Configuration;
using Pique.Formats;

namespace Pique.Cli.Commands;

/// <summary>pique config new: writes a configuration or a recipe to start from.</summary>
internal static class ConfigNewCommand
{
    private const string DefaultPreset = "default";
    private const string PlaceholderModel = "path/to/model";
    private const string PlaceholderData = "path/to/data.txt";

    public static Command Create(ContextFactory context)
    {
        var preset = new Option<string>("--preset")
        {
            Description = $"Configuration to start from: {string.Join(", ", Presets.Names)}.",
            HelpName = "NAME",
            DefaultValueFactory = _ => DefaultPreset,
        };
        var recipe = new Option<bool>("--recipe") { Description = "Write a whole recipe with every default, its paths to be filled in." };
        var output = new Option<string?>("--out") { Description = "File to write instead of standard output.", HelpName = "FILE" };
        var command = new Command("new", "Write a configuration or a recipe to start from.") { preset, recipe, output };
        command.SetAction(parsed => Run(context(parsed), parsed.GetRequiredValue(preset), parsed.GetValue(recipe), parsed.GetValue(output)));
        return command;
    }

    private static int Run(CommandContext context, string preset, bool asRecipe, string? output)
    {
        if (ConfigurationSource.Resolve(preset) is not ConfigurationSource.Bare { Config: var config })
        {
            throw new InputException($"--preset: {preset} is a recipe, expected a configuration. Name one of {string.Join(", ", Presets.Names)}.");
        }

        string text = (asRecipe ? RecipeJson.Write(Fill(config)) : QatConfigJson.Write(config)) + "\n";
        if (output is null)
        {
            context.Terminal.OutputText.Write(text);
            return ExitCode.Done;
        }

        if (Path.Exists(output))
        {
            throw new InputException($"{output}: exists already. Remove it, or choose another file with --out.");
        }

        AtomicFile.Write(output, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
        if (context.Json)
        {
            JsonOutput.Print(context.Terminal, new JsonObject { ["path"] = output });
        }
        else
        {
            context.Terminal.OutputText.WriteLine($"{output}: written.");
        }

        return ExitCode.Done;
    }

    private static Recipe Fill(QatConfig config) => new()
    {
        Qat = config,
        Model = PlaceholderModel,
        Data = new DataRecipe { Files = [new DataFile { Path = PlaceholderData }] },
    };
}
