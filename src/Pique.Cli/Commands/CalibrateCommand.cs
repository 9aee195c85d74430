using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pique.Calibration;
using Pique.Cli.Rendering;
using Pique.Configuration;
using Pique.Formats;
using Pique.Models.Llama;
using Pique.Models.Rotation;
using Pique.Pipeline;
using Pique.Quantization;
using Pique.Reporting;

namespace Pique.Cli.Commands;

/// <summary>pique calibrate: the first phase of a run by itself, written to a file that train and quantize take.</summary>
internal static class CalibrateCommand
{
    private const int GridColumn = 3;

    public static Command Create(ContextFactory context)
    {
        var recipe = new Argument<string?>("RECIPE") { Description = "Recipe file; or give --config, --model and --data instead.", Arity = ArgumentArity.ZeroOrOne };
        var config = new Option<string?>("--config") { Description = $"Configuration file or preset ({string.Join(", ", Presets.Names)}).", HelpName = "FILE|PRESET" };
        var model = new Option<string?>("--model") { Description = "Model to calibrate: Hugging Face folder, .gguf file or llama2.c .bin file.", HelpName = "DIR" };
        var data = new Option<string[]>("--data") { Description = DataArgument.Description, HelpName = "FILE", AllowMultipleArgumentsPerToken = true };
        Option<WeightGrid?> grid = GridOption.Create("auto");
        Option<CalibrationMethod?> method = MethodOption.Create("the recipe's, else mse");
        var output = new Option<string>("--out") { Description = "File to write.", HelpName = "FILE", DefaultValueFactory = _ => CalibrationFile.FileName };
        var sensitivity = new Option<bool>("--sensitivity") { Description = "Also analyse how sensitive the loss is to each layer at each bit width, as a table and a plot." };
        var command = new Command("calibrate", "Find scales and codes of a model's weights and the ranges of its activations, without training.") { recipe, config, model, data, grid, method, output, sensitivity };
        command.Validators.Add(result =>
        {
            bool hasRecipe = result.GetResult(recipe) is { Tokens.Count: > 0 };
            int given = new Option[] { config, model, data }.Count(option => result.GetResult(option) is { Implicit: false });
            if (hasRecipe ? given > 0 : given < 3)
            {
                result.AddError("calibrate takes either a RECIPE, or --config, --model and --data together.");
            }
            else if (hasRecipe && result.GetResult(grid) is { Implicit: false })
            {
                result.AddError("--grid goes with --config; a RECIPE states its own \"grid\".");
            }
        });
        command.SetAction(parsed =>
        {
            CommandContext settings = context(parsed);
            Recipe choices = parsed.GetValue(recipe) is { } path
                ? Load(path)
                : RecipeComposer.Compose(ConfigOf(parsed.GetRequiredValue(config)!), parsed.GetRequiredValue(model)!, parsed.GetRequiredValue(data), parsed.GetValue(grid) ?? WeightGrid.Auto);
            Recipe resolved = choices with
            {
                Calibration = choices.Calibration.By(parsed.GetValue(method)) with { Artifact = null },
                Training = choices.Training with { Seed = settings.Seed ?? choices.Training.Seed },
            };
            settings.StartTorch();
            return Run(settings, resolved, parsed.GetRequiredValue(output), parsed.GetValue(sensitivity));
        });
        return command;
    }

    private static int Run(CommandContext context, Recipe recipe, string output, bool analyzesSensitivity)
    {
        long started = context.Time.GetTimestamp();
        string folder = Path.GetDirectoryName(Path.GetFullPath(output))!;
        if (Directory.Exists(output) || !Directory.Exists(folder))
        {
            throw new InputException($"{output}: {(Directory.Exists(output) ? "is a folder" : "its folder does not exist")}, expected a file to write. Name one in a folder that exists with --out.");
        }

        if (Path.GetExtension(output) != ".json")
        {
            throw new InputException($"{output}: found the extension \"{Path.GetExtension(output)}\", expected .json; rounded weights and plot are named after the file. Name another with --out.");
        }

        OutputFolder.RequireWritable(folder);
        using LoadedModel source = ModelLoader.Load(recipe.Model);
        if (source.Quantized.Count > 0)
        {
            throw new InputException($"{recipe.Model}: is quantized already, expected a model in full precision. Name the model it was made from.");
        }

        using LlamaModel model = recipe.Qat.UseIncoherence
            ? IncoherenceRotation.Apply(source.Model, recipe.Training.Seed, new TrainingProgress(ProgressDisplay.Plain(context)))
            : source.Model;
        using CalibrationArtifact artifact = CalibratedModel.Calibrate(context, recipe, model, source, PreparedData.Divide(recipe.Data).Train, analyzesSensitivity);
        CalibrationFile.Save(output, artifact);
        string? plot = artifact.Sensitivity.Count == 0 ? null : SensitivityPlot.Save(SensitivityPlot.PathBeside(output), artifact.Sensitivity);
        TimeSpan duration = context.Time.GetElapsedTime(started);
        if (context.Json)
        {
            JsonOutput.Print(context.Terminal, Document(artifact, output, plot, duration));
        }
        else
        {
            Print(context, artifact, output, plot, duration);
        }

        return ExitCode.Done;
    }

    private static void Print(CommandContext context, CalibrationArtifact artifact, string output, string? plot, TimeSpan duration)
    {
        Dictionary<string, CalibratedActivation> inputs = artifact.Activations.ToDictionary(StringComparer.Ordinal);
        Tables.Draw(
            context.Terminal.Output,
            ["layer", "shape", "bits", "grid", "SQNR dB", "output dB", "inputs from", "to"],
            artifact.Tensors.Select(entry => Cells(entry.Key, entry.Value, inputs.GetValueOrDefault(entry.Key))),
            GridColumn);
        if (artifact.Sensitivity.Count > 0)
        {
            context.Terminal.OutputText.WriteLine(SensitivityTable.Caption(artifact.Sensitivity));
            Tables.Draw(context.Terminal.Output, SensitivityTable.Header(artifact.Sensitivity), SensitivityTable.Rows(artifact.Sensitivity));
        }

        Tables.DrawPairs(context.Terminal.Output,
        [
            ("method", MethodOption.NameOf(artifact.Method)),
            ("samples", string.Join(", ", artifact.SampleCounts.Select(entry => Units.Text($"{entry.Value} {NameOf(entry.Key)}")))),
            ("written", output),
            .. plot is null ? [] : new[] { ("plot", plot) },
            ("time", Units.Duration(duration)),
        ]);
    }

    private static IReadOnlyList<string> Cells(string name, CalibratedTensor tensor, CalibratedActivation? input) =>
    [
        name,
        Units.Shape([tensor.Rows, tensor.Columns]),
        Units.Text($"{tensor.Bits}"),
        GridText.Of(tensor.Kind, tensor.TwoLevelScales),
        tensor.SqnrDecibels is { } decibels ? Units.Text($"{decibels:F2}") : "lossless",
        tensor.OutputSqnrDecibels is { } output ? Units.Text($"{output:F2}") : "–",
        input is null ? "–" : Units.Text($"{input.RangeOf(CalibrationMethod.Rtn).Lowest:G4}"),
        input is null ? "–" : Units.Text($"{input.RangeOf(CalibrationMethod.Rtn).Highest:G4}"),
    ];

    private static JsonObject Document(CalibrationArtifact artifact, string output, string? plot, TimeSpan duration) => new()
    {
        ["out"] = output,
        ["method"] = MethodOption.NameOf(artifact.Method),
        ["weighted"] = artifact.Weighted,
        ["model_digest"] = artifact.ModelDigest,
        ["dataset_digest"] = artifact.DatasetDigest,
        ["samples"] = new JsonObject(artifact.SampleCounts.Select(entry => KeyValuePair.Create(NameOf(entry.Key), (JsonNode?)entry.Value))),
        ["warnings"] = new JsonArray([.. artifact.Warnings.Select(warning => (JsonNode)warning)]),
        ["layers"] = new JsonArray([.. artifact.Tensors.Select(entry => (JsonNode)new JsonObject
        {
            ["name"] = entry.Key,
            ["bits"] = entry.Value.Bits,
            ["sqnr_db"] = JsonOutput.Number(entry.Value.SqnrDecibels),
            ["output_sqnr_db"] = JsonOutput.Number(entry.Value.OutputSqnrDecibels),
        })]),
        ["sensitivity"] = new JsonArray([.. artifact.Sensitivity.Select(SensitivityOf)]),
        ["plot"] = plot,
        ["seconds"] = duration.TotalSeconds,
    };

    private static JsonNode SensitivityOf(LayerSensitivity layer) => new JsonObject
    {
        ["name"] = layer.Name,
        ["weights"] = layer.WeightCount,
        ["chosen_bits"] = layer.ChosenBits,
        ["predicted_nats"] = new JsonObject(layer.Costs.Select(cost => KeyValuePair.Create(cost.Bits.ToString(CultureInfo.InvariantCulture), JsonOutput.Number(cost.PredictedNats)))),
        ["measured_nats"] = new JsonObject(layer.Costs.Select(cost => KeyValuePair.Create(cost.Bits.ToString(CultureInfo.InvariantCulture), JsonOutput.Number(cost.MeasuredNats)))),
    };

    private static string NameOf(DataDomain domain) => JsonNamingPolicy.SnakeCaseLower.ConvertName(domain.ToString());

    private static Recipe Load(string path) => ConfigurationSource.Resolve(path) switch
    {
        ConfigurationSource.Training training => training.Recipe,
        ConfigurationSource.Bare => throw new InputException($"{path}: found a configuration alone, expected a recipe. Give it as --config, with --model and --data."),
        _ => throw new InputException($"{path}: found a pretraining recipe, expected a training recipe."),
    };

    private static QatConfig ConfigOf(string nameOrPath) => ConfigurationSource.Resolve(nameOrPath) is ConfigurationSource.Bare bare
        ? bare.Config
        : throw new InputException($"--config: {nameOrPath} is a recipe, expected a configuration alone. Give it as RECIPE, without --config, --model and --data.");
}
