using System.CommandLine;
using System.Text.Json.Nodes;
using Pique.Calibration;
using Pique.Cli.Rendering;
using Pique.Configuration;
using Pique.Formats;
using Pique.Formats.HuggingFace;
using Pique.Models.Llama;
using Pique.Models.Rotation;
using Pique.Pipeline;
using Pique.Quantization;

namespace Pique.Cli.Commands;

/// <summary>pique quantize: post-training quantization, rounding to the nearest code without training.</summary>
internal static class QuantizeCommand
{
    private const int GridColumn = 3;

    public static Command Create(ContextFactory context)
    {
        var model = new Argument<string>("MODEL") { Description = "Hugging Face folder, .gguf file or llama2.c .bin file, in full precision." };
        var config = new Option<string>("--config") { Description = $"Preset ({string.Join(", ", Presets.Names)}), configuration or recipe, whose overrides then apply.", HelpName = "FILE|PRESET", Required = true };
        var output = new Option<string>("--out") { Description = "Folder to write, new or empty.", HelpName = "DIR", Required = true };
        var method = new Option<CalibrationMethod?>("--method") { Description = "Search for the scales [default: the recipe's, else mse].", HelpName = "absmax|mse" };
        Option<WeightGrid?> grid = GridOption.Create("the recipe's, else auto");
        var command = new Command("quantize", "Round a model's weights to few bits, without training.") { model, config, output, method, grid };
        command.SetAction(parsed =>
        {
            CommandContext settings = context(parsed);
            settings.StartTorch();
            return Run(settings, parsed.GetRequiredValue(model), RecipeOf(parsed.GetRequiredValue(config), parsed.GetValue(grid)), parsed.GetRequiredValue(output), parsed.GetValue(method));
        });
        return command;
    }

    private static int Run(CommandContext context, string modelPath, Recipe recipe, string output, CalibrationMethod? methodOption)
    {
        OutputFolder.RequireNew(output);
        OutputFolder.RequireWritable(output);
        CalibrationMethod method = methodOption ?? recipe.Calibration.Method;
        long seed = context.Seed ?? recipe.Training.Seed;
        using LoadedModel source = ModelLoader.Load(modelPath);
        if (source.Quantized.Count > 0)
        {
            throw new InputException($"{modelPath}: is quantized already, expected a model in full precision. Name the model it was made from.");
        }

        using LlamaModel model = recipe.Qat.UseIncoherence
            ? IncoherenceRotation.Apply(source.Model, seed, new TrainingProgress(ProgressDisplay.Plain(context)))
            : source.Model;
        Dictionary<string, LayerIncoherence>? incoherence = ReferenceEquals(model, source.Model) ? null : IncoherenceComparison.Measure(source.Model, model).ToDictionary(layer => layer.Name);
        QuantizationPolicy policy = QuantizationPolicy.From(recipe);
        CalibrationArtifact calibration = WeightCalibration.Run(model.QuantizableLayers, policy.SpecFor, method, recipe.Qat, seed, context.Time);
        calibration.Prepare(model.QuantizableLayers, policy.SpecFor, recipe.ActivationBits);
        IReadOnlyDictionary<string, QuantizedTensor> packed = ModelQuantizer.Convert(model.QuantizableLayers);
        context.Cancellation.ThrowIfCancellationRequested();
        ModelProvenance provenance = Provenance.Of(source, recipe.Qat, calibration, recipe.Qat.UseIncoherence ? seed : null);
        HuggingFaceWriter.SavePacked(output, model, packed, source.Tokenizer, source.TokenizerFiles, provenance);

        ModelSize before = ModelSize.Of(source);
        ModelSize after = ModelSize.OfPacked(model, packed) with
        {
            FileBytes = Directory.EnumerateFiles(output, "*.safetensors").Sum(file => new FileInfo(file).Length),
        };
        Layer[] layers = [.. calibration.Tensors.Select(entry => new Layer(entry.Key, packed[entry.Key], entry.Value.SqnrDecibels, incoherence?.GetValueOrDefault(entry.Key)))];
        if (context.Json)
        {
            JsonOutput.Print(context.Terminal, Document(modelPath, output, method, before, after, layers));
        }
        else
        {
            Tables.Draw(context.Terminal.Output, ["layer", "shape", "bits", "grid", "bits/weight", "SQNR dB", .. incoherence is null ? (string[])[] : ["μ before", "μ after"]], layers.Select(layer => layer.Cells), GridColumn);
            Tables.DrawPairs(context.Terminal.Output,
            [
                ("before", Units.Text($"{before.BitsPerWeight:F2} bits per weight, {Units.Bytes(before.FileBytes)}")),
                ("after", Units.Text($"{after.BitsPerWeight:F2} bits per weight, {Units.Bytes(after.FileBytes)}")),
                ("written", output),
            ]);
        }

        return ExitCode.Done;
    }

    private static Recipe RecipeOf(string configName, WeightGrid? grid)
    {
        Recipe recipe = RecipeOf(configName);
        Recipe chosen = recipe with { Grid = grid ?? recipe.Grid };
        return chosen.ValidateQuantization() is { Count: > 0 } faults ? throw new ConfigurationException("--config with --grid", faults) : chosen;
    }

    private static Recipe RecipeOf(string configName) => ConfigurationSource.Resolve(configName) switch
    {
        ConfigurationSource.Bare bare => new Recipe { Qat = bare.Config },
        ConfigurationSource.Training training => training.Recipe,
        _ => throw new InputException($"--config: {configName} is a pretraining recipe, expected a configuration or a training recipe. Name one of the presets {string.Join(", ", Presets.Names)}, or another file."),
    };

    private static JsonObject Document(string model, string output, CalibrationMethod method, ModelSize before, ModelSize after, Layer[] layers) => new()
    {
        ["model"] = model,
        ["out"] = output,
        ["method"] = method == CalibrationMethod.Absmax ? "absmax" : "mse",
        ["source_bits_per_weight"] = JsonOutput.Number(before.BitsPerWeight),
        ["source_file_bytes"] = before.FileBytes,
        ["bits_per_weight"] = JsonOutput.Number(after.BitsPerWeight),
        ["file_bytes"] = after.FileBytes,
        ["layers"] = new JsonArray([.. layers.Select(layer => (JsonNode)new JsonObject
        {
            ["name"] = layer.Name,
            ["shape"] = JsonOutput.Numbers([layer.Weight.Rows, layer.Weight.Columns]),
            ["bits"] = layer.Weight.Bits,
            ["grid"] = GridText.Of(layer.Weight),
            ["bits_per_weight"] = JsonOutput.Number(layer.Weight.BitsPerWeight),
            ["sqnr_db"] = JsonOutput.Number(layer.SqnrDecibels),
            ["incoherence_before"] = JsonOutput.Number(layer.Incoherence?.Before),
            ["incoherence_after"] = JsonOutput.Number(layer.Incoherence?.After),
        })]),
    };

    /// <summary>A quantized layer and what rounding cost it; null decibels where nothing was lost, no incoherence where nothing was rotated.</summary>
    private sealed record Layer(string Name, QuantizedTensor Weight, double? SqnrDecibels, LayerIncoherence? Incoherence)
    {
        public IReadOnlyList<string> Cells =>
        [
            Name,
            Units.Shape([Weight.Rows, Weight.Columns]),
            Units.Text($"{Weight.Bits}"),
            GridText.Of(Weight),
            Units.Text($"{Weight.BitsPerWeight:F3}"),
            SqnrDecibels is { } decibels ? Units.Text($"{decibels:F2}") : "lossless",
            .. Incoherence is { } measured ? (string[])[Units.Text($"{measured.Before:F2}"), Units.Text($"{measured.After:F2}")] : [],
        ];
    }
}
