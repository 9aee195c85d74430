using System.CommandLine;
using System.Text.Json.Nodes;
using Pique.Cli.Rendering;
using Pique.Configuration;
using Pique.Numerics;
using Pique.Pipeline;
using Pique.Quantization;

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
        (string text, Recipe? recipe) = ConfigurationSource.Resolve(name) switch
        {
            ConfigurationSource.Bare bare => (QatConfigJson.Write(bare.Config), new Recipe { Qat = bare.Config }),
            ConfigurationSource.Training training => (RecipeJson.Write(training.Recipe), training.Recipe),
            ConfigurationSource.Pretraining pretraining => (PretrainRecipeJson.Write(pretraining.Recipe), (Recipe?)null),
            _ => throw new InvalidOperationException("Unknown kind of configuration."),
        };
        if (context.Json)
        {
            var document = new JsonObject { ["config"] = JsonNode.Parse(text) };
            if (recipe is not null)
            {
                document["queries"] = QueriesJson(recipe);
            }

            JsonOutput.Print(context.Terminal, document);
            return ExitCode.Done;
        }

        context.Terminal.OutputText.Write(text + "\n");
        if (recipe is not null)
        {
            context.Terminal.OutputText.WriteLine();
            Tables.DrawPairs(context.Terminal.Output, Queries(recipe));
        }

        return ExitCode.Done;
    }

    private static List<(string, string)> Queries(Recipe recipe)
    {
        QatConfig qat = recipe.Qat;
        WeightQuantizationSpec weights = QuantizationPolicy.From(recipe).Base;
        return
        [
            ("levels", Units.Text($"{qat.LevelCount}")),
            ("grid", GridText.Of(weights)),
            ("codes", weights.Kind switch
            {
                GridKind.Affine => Units.Text($"0 to {qat.LevelCount - 1}, with an integer zero point"),
                GridKind.HalfInteger => Units.Text($"{weights.Grid.MinLevel} to {weights.Grid.MaxLevel}, none at 0"),
                _ => Units.Text($"{qat.SymmetricRange.Minimum} to {qat.SymmetricRange.Maximum}"),
            }),
            ("step", weights switch
            {
                { PiKPerChannel: true } => "α·π/k, k of 2 to 5 for every output channel",
                { PiK: { } k } => Units.Text($"α·π/{k} = {qat.PiStep(1)}·α"),
                _ => "the scale itself",
            }),
            ("learned scale", weights.LearnsScale ? "yes" : "no"),
            .. RecipeSummary.Of(recipe).Where(choice => choice.Name is "estimator" or "dampening"),
            ("nominal bits per weight", Units.Text($"{qat.NominalBitsPerWeight}")),
        ];
    }

    private static JsonObject QueriesJson(Recipe recipe)
    {
        QatConfig qat = recipe.Qat;
        return new JsonObject
        {
            ["level_count"] = qat.LevelCount,
            ["symmetric_range"] = JsonOutput.Numbers([qat.SymmetricRange.Minimum, qat.SymmetricRange.Maximum]),
            ["is_pi_quant"] = qat.IsPiQuant,
            ["pi_step_at_alpha_1"] = qat.PiStep(1) is { } step ? JsonValue.Create(step) : null,
            ["needs_scale_gradient"] = QuantizationPolicy.From(recipe).Base.LearnsScale,
            ["nominal_bits_per_weight"] = qat.NominalBitsPerWeight,
            ["grid"] = GridText.Of(QuantizationPolicy.From(recipe).Base),
        };
    }
}
