using System.CommandLine;
using System.Text.Json.Nodes;
using Pique.Cli.Rendering;
using Pique.Configuration;

namespace Pique.Cli.Commands;

/// <summary>pique config validate: names everything that is wrong with a file.</summary>
internal static class ConfigValidateCommand
{
    public static Command Create(ContextFactory context)
    {
        var file = new Argument<string>("FILE") { Description = "Configuration or recipe." };
        var command = new Command("validate", "Name everything that is wrong with a configuration or recipe.") { file };
        command.SetAction(parsed => Run(context(parsed), parsed.GetRequiredValue(file)));
        return command;
    }

    private static int Run(CommandContext context, string file)
    {
        try
        {
            ConfigurationSource source = ConfigurationSource.Resolve(file);
            if (context.Json)
            {
                JsonOutput.Print(context.Terminal, Document([]));
            }
            else
            {
                context.Terminal.OutputText.WriteLine($"{file}: a valid {KindOf(source)}.");
            }

            return ExitCode.Done;
        }
        catch (ConfigurationException error) when (context.Json)
        {
            JsonOutput.Print(context.Terminal, Document(error.Faults));
            return ExitCode.Input;
        }
    }

    private static string KindOf(ConfigurationSource source) => source switch
    {
        ConfigurationSource.Bare => "configuration",
        ConfigurationSource.Training => "training recipe",
        _ => "pretraining recipe",
    };

    private static JsonObject Document(IReadOnlyList<ConfigurationFault> faults) => new()
    {
        ["valid"] = faults.Count == 0,
        ["faults"] = new JsonArray([.. faults.Select(fault => (JsonNode)new JsonObject
        {
            ["path"] = fault.Path,
            ["found"] = fault.Found,
            ["expected"] = fault.Expected,
            ["fix"] = fault.Fix,
        })]),
    };
}
