using System.CommandLine;
using System.Text.Json.Nodes;
using Pique.Cli.Rendering;
using Pique.Configuration;

namespace Pique.Cli.Commands;

/// <summary>pique config show: a configuration with all defaults filled in, and what follows from it.</summary>
internal static class ConfigShowCommand
{
    public static Command Create(ContextFactory context)
    {
        var name = new Argument<string>("NAME|FILE") { Description = $"A preset ({string.Join(", ", Presets.Names)}), a configuration or a recipe." };
        var command = new Command("show", "Show a preset, configuration or recipe with every default, and what follows from it.") { name };
        command.SetAction(parsed => Run(context(parsed), parsed.GetRequiredValue(name)));
        return command;
    }

    private static int Run(CommandContext context, string name)
    {
        (string text, QatConfig? qat) = ConfigurationSource.Resolve(name) switch
        {
            ConfigurationSource.Bare bare => (QatConfigJson.Write(bare.Config), bare.Config),
            ConfigurationSource.Training training => (RecipeJson.Write(training.Recipe), training.Recipe.Qat),
            ConfigurationSource.Pretraining pretraining => (PretrainRecipeJson.Write(pretraining.Recipe), (QatConfig?)null),
            _ => throw new InvalidOperationException("Unknown kind of configuration."),
        };
        if (context.Json)
        {
            var document = new JsonObject { ["config"] = JsonNode.Parse(text) };
            if (qat is not null)
            {
                document["queries"] = QueriesJson(qat);
            }

            JsonOutput.Print(context.Terminal, document);
            return ExitCode.Done;
        }

        context.Terminal.OutputText.Write(text + "\n");
        if (qat is not null)
        {
            context.Terminal.OutputText.WriteLine();
            Tables.DrawPairs(context.Terminal.Output, Queries(qat));
        }

        return ExitCode.Done;
    }

    private static List<(string, string)> Queries(QatConfig qat) =>
    [
        ("levels", Units.Text($"{qat.LevelCount}")),
        ("codes", qat.Symmetric
            ? Units.Text($"{qat.SymmetricRange.Minimum} to {qat.SymmetricRange.Maximum}")
            : Units.Text($"0 to {qat.LevelCount - 1}, with an integer zero point")),
        ("step", qat.PiK is { } k ? Units.Text($"α·π/{k} = {qat.PiStep(1)}·α") : "the scale itself"),
        ("learned scale", qat.NeedsScaleGradient ? "yes" : "no"),
        ("nominal bits per weight", Units.Text($"{qat.NominalBitsPerWeight}")),
    ];

    private static JsonObject QueriesJson(QatConfig qat) => new()
    {
        ["level_count"] = qat.LevelCount,
        ["symmetric_range"] = JsonOutput.Numbers([qat.SymmetricRange.Minimum, qat.SymmetricRange.Maximum]),
        ["is_pi_quant"] = qat.IsPiQuant,
        ["pi_step_at_alpha_1"] = qat.PiStep(1) is { } step ? JsonValue.Create(step) : null,
        ["needs_scale_gradient"] = qat.NeedsScaleGradient,
        ["nominal_bits_per_weight"] = qat.NominalBitsPerWeight,
    };
}
