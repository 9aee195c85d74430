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

/// <summary>pique quantize: post-training quantization, by rounding to the nearest code or by second-order rounding.</summary>
internal static class QuantizeCommand
{
    private const int GridColumn = 3;

    public static Command Create(ContextFactory context)
    {
        var model = new Argument<string>("MODEL") { Description = "Hugging Face folder, .gguf file or llama2.c .bin file, in full precision." };
        var config = new Option<string>("--config") { Description = $"Preset ({string.Join(", ", Presets.Names)}), configuration or recipe, whose overrides and data then apply.", HelpName = "FILE|PRESET", Required = true };
        var output = new Option<string>("--out") { Description = "Folder to write, new or empty.", HelpName = "DIR", Required = true };
        Option<CalibrationMethod?> method = MethodOption.Create("a recipe's; else gptq with --data, mse without");
        Option<WeightGrid?> grid = GridOption.Create("the recipe's, else auto");
        var data = new Option<string[]>("--data") { Description = DataArgument.Description, HelpName = "FILE", AllowMultipleArgumentsPerToken = true };
        var calibration = new Option<string?>("--calibration") { Description = "Use this calibration.json in place of calibrating.", HelpName = "FILE" };
        var command = new Command("quantize", "Round a model's weights to few bits, without training.") { model, config, output, method, grid, data, calibration };
        command.Validators.Add(result =>
        {
            if (result.GetResult(calibration) is { Implicit: false } && (result.GetResult(method) is { Implicit: false } || result.GetResult(data) is { Implicit: false }))
            {
                result.AddError("--calibration goes without --method and --data: the file says how it was calibrated.");
            }
        });
        command.SetAction(parsed =>
        {
            CommandContext settings = context(parsed);
            settings.StartTorch();
            Recipe recipe = QuantizationRecipe.Compose(
                parsed.GetRequiredValue(model),
                parsed.GetRequiredValue(config),
                parsed.GetValue(grid),
                parsed.GetValue(method),
                parsed.GetValue(data) ?? [],
                parsed.GetValue(calibration));
            return Run(settings, recipe with { Training = recipe.Training with { Seed = settings.Seed ?? recipe.Training.Seed } }, parsed.GetRequiredValue(output));
        });
        return command;
    }

    private static int Run(CommandContext context, Recipe recipe, string output)
    {
        OutputFolder.RequireNew(output);
        OutputFolder.RequireWritable(output);
        using LoadedModel source = CalibratedModel.Load(recipe.Model);
        using LlamaModel model = CalibratedModel.Rotate(context, recipe, source);
        Dictionary<string, LayerIncoherence>? incoherence = ReferenceEquals(model, source.Model) ? null : IncoherenceComparison.Measure(source.Model, model).ToDictionary(layer => layer.Name);
        int contextTokens = Math.Min(recipe.Data.ContextTokens, model.ContextTokens); // Of a recipe that may have been written for another model.
        recipe = recipe with { Data = recipe.Data with { ContextTokens = contextTokens } };
        using CalibrationArtifact calibration = CalibratedModel.Calibrate(context, recipe, model, source, QuantizationRecipe.Records(recipe), analyzesSensitivity: false);
        calibration.Prepare(model.QuantizableLayers, calibration.Resolve(QuantizationPolicy.From(recipe), model.QuantizableLayers).SpecFor, recipe.ActivationBits);
        IReadOnlyDictionary<string, QuantizedTensor> packed = ModelQuantizer.Convert(model.QuantizableLayers);
        context.Cancellation.ThrowIfCancellationRequested();
        ModelProvenance provenance = Provenance.Of(source, recipe.Qat, calibration, recipe.Qat.UseIncoherence ? recipe.Training.Seed : null);
        HuggingFaceWriter.SavePacked(output, model, packed, source.Tokenizer, source.TokenizerFiles, provenance);

        ModelSize before = ModelSize.Of(source);
        ModelSize after = ModelSize.OfPacked(model, packed) with
        {
            FileBytes = Directory.EnumerateFiles(output, "*.safetensors").Sum(file => new FileInfo(file).Length),
        };
        Layer[] layers = [.. calibration.Tensors.Select(entry => new Layer(entry.Key, packed[entry.Key], entry.Value.SqnrDecibels, entry.Value.OutputSqnrDecibels, incoherence?.GetValueOrDefault(entry.Key)))];
        if (context.Json)
        {
            JsonOutput.Print(context.Terminal, Document(recipe.Model, output, calibration.Method, before, after, layers));
        }
        else
        {
            Tables.Draw(context.Terminal.Output, ["layer", "shape", "bits", "grid", "bits/weight", "SQNR dB", "output dB", .. incoherence is null ? (string[])[] : ["μ before", "μ after"]], layers.Select(layer => layer.Cells), GridColumn);
            Tables.DrawPairs(context.Terminal.Output,
            [
                ("method", SnakeCase.Of(calibration.Method)),
                ("before", Units.Text($"{before.BitsPerWeight:F2} bits per weight, {Units.Bytes(before.FileBytes)}")),
                ("after", Units.Text($"{after.BitsPerWeight:F2} bits per weight, {Units.Bytes(after.FileBytes)}")),
                ("written", output),
            ]);
        }

        return ExitCode.Done;
    }

    private static JsonObject Document(string model, string output, CalibrationMethod method, ModelSize before, ModelSize after, Layer[] layers) => new()
    {
        ["model"] = model,
        ["out"] = output,
        ["method"] = SnakeCase.Of(method),
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
            ["output_sqnr_db"] = JsonOutput.Number(layer.OutputSqnrDecibels),
            ["incoherence_before"] = JsonOutput.Number(layer.Incoherence?.Before),
            ["incoherence_after"] = JsonOutput.Number(layer.Incoherence?.After),
        })]),
    };

    /// <summary>A quantized layer and what rounding cost its weights, null where nothing was lost, and its output, null where that was not looked at; no incoherence where nothing was rotated.</summary>
    private sealed record Layer(string Name, QuantizedTensor Weight, double? SqnrDecibels, double? OutputSqnrDecibels, LayerIncoherence? Incoherence)
    {
        public IReadOnlyList<string> Cells =>
        [
            Name,
            Units.Shape([Weight.Rows, Weight.Columns]),
            Units.Text($"{Weight.Bits}"),
            GridText.Of(Weight),
            Units.Text($"{Weight.BitsPerWeight:F3}"),
            SqnrDecibels is { } decibels ? Units.Text($"{decibels:F2}") : "lossless",
            OutputSqnrDecibels is { } output ? Units.Text($"{output:F2}") : "–",
            .. Incoherence is { } measured ? (string[])[Units.Text($"{measured.Before:F2}"), Units.Text($"{measured.After:F2}")] : [],
        ];
    }
}
