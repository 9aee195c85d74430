using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Pique.Calibration;
using Pique.Cli.Rendering;
using Pique.Configuration;
using Pique.Formats;
using Pique.Models.Llama;
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
        var choices = new RecipeOptions("Model to calibrate: Hugging Face folder, .gguf file or llama2.c .bin file.");
        Option<CalibrationMethod?> method = MethodOption.Create("the recipe's, else mse");
        var output = new Option<string>("--out") { Description = "File to write.", HelpName = "FILE", DefaultValueFactory = _ => CalibrationFile.FileName };
        var sensitivity = new Option<bool>("--sensitivity") { Description = "Also analyse how sensitive the loss is to each layer at each bit width, as a table and a plot." };
        Command command = choices.CreateCommand("calibrate", "Find scales and codes of a model's weights and the ranges of its activations, without training.", method, output, sensitivity);
        command.SetAction(parsed =>
        {
            CommandContext settings = context(parsed);
            Recipe recipe = choices.Read(parsed);
            Recipe resolved = recipe with
            {
                Calibration = recipe.Calibration.By(parsed.GetValue(method)) with { Artifact = null },
                Training = recipe.Training with { Seed = settings.Seed ?? recipe.Training.Seed },
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

        CalibrationFile.RequireReplaceable(output);
        OutputFolder.RequireWritable(folder);
        using LoadedModel source = CalibratedModel.Load(recipe.Model);
        using LlamaModel model = CalibratedModel.Rotate(context, recipe, source);
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
            ("method", SnakeCase.Of(artifact.Method)),
            ("samples", string.Join(", ", artifact.SampleCounts.Select(entry => Units.Text($"{entry.Value} {SnakeCase.Of(entry.Key)}")))),
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
        ["method"] = SnakeCase.Of(artifact.Method),
        ["weighted"] = artifact.Weighted,
        ["model_digest"] = artifact.ModelDigest,
        ["dataset_digest"] = artifact.DatasetDigest,
        ["samples"] = new JsonObject(artifact.SampleCounts.Select(entry => KeyValuePair.Create(SnakeCase.Of(entry.Key), (JsonNode?)entry.Value))),
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
}
