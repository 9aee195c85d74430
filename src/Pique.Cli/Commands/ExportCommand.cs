using System.CommandLine;
using System.Text.Json.Nodes;
using Pique.Cli.Rendering;
using Pique.Formats;
using Pique.Formats.Gguf;
using Pique.Formats.Gguf.Export;
using Pique.Formats.HuggingFace;
using Pique.Formats.Safetensors;
using Pique.Pipeline;

namespace Pique.Cli.Commands;

/// <summary>pique export: writes a model in a form that other runtimes read, with exactly the weights that training saw.</summary>
internal static class ExportCommand
{
    public static Command Create(ContextFactory context)
    {
        var source = new Argument<string>("RUN") { Description = "Run folder, model folder, .gguf file or llama2.c .bin file." };
        Option<ExportFormat> format = ExportFormat.CreateOption();
        var output = new Option<string?>("--out") { Description = "File or folder to write [default: model.gguf in the run folder, else beside the model].", HelpName = "PATH" };
        var command = new Command("export", "Write a model for llama.cpp (gguf) or transformers (safetensors).") { source, format, output };
        command.SetAction(parsed =>
        {
            CommandContext settings = context(parsed);
            settings.StartTorch();
            return Run(settings, parsed.GetRequiredValue(source), parsed.GetRequiredValue(format), parsed.GetValue(output));
        });
        return command;
    }

    private static int Run(CommandContext context, string source, ExportFormat format, string? output)
    {
        bool isRun = File.Exists(Path.Combine(source, RunFolder.RecipeName));
        string modelPath = isRun ? Path.Combine(source, QatPipeline.ModelFolderName) : source;
        if (isRun && !Directory.Exists(modelPath))
        {
            throw new InputException($"{source}: the run has no finished model ({QatPipeline.ModelFolderName} is missing), expected one. Let it finish with --resume first.");
        }

        string target = output ?? DefaultTarget(source, isRun, format);
        if (Path.GetFullPath(target) == Path.GetFullPath(modelPath))
        {
            throw new InputException($"{target}: is the model itself, expected another place to write to. Name one with --out.");
        }

        if (!format.IsGguf)
        {
            OutputFolder.RequireNew(target);
        }

        using LoadedModel model = ModelLoader.Load(modelPath);
        return format.IsGguf ? WriteGguf(context, source, model, format.Type, target) : WriteSafetensors(context, source, model, target);
    }

    private static string DefaultTarget(string source, bool isRun, ExportFormat format)
    {
        string trimmed = Path.TrimEndingDirectorySeparator(source);
        string stem = isRun ? Path.Combine(trimmed, QatPipeline.ModelFolderName) : File.Exists(trimmed) ? Path.ChangeExtension(trimmed, null) : trimmed;
        return format.IsGguf ? $"{stem}.gguf" : $"{stem}-float32";
    }

    private static int WriteGguf(CommandContext context, string source, LoadedModel model, GgufTensorType? type, string target)
    {
        string name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(source)));
        GgufExport export = GgufModelWriter.Write(target, model, new GgufExportOptions { Name = Path.GetFileNameWithoutExtension(name), Type = type });
        foreach (string warning in export.Warnings)
        {
            context.Note($"warning: {target}: {warning}.");
        }

        if (context.Json)
        {
            JsonOutput.Print(context.Terminal, Document(source, export));
        }
        else
        {
            Tables.Draw(context.Terminal.Output, GgufText.Header, export.Tensors.Select(GgufText.Row), GgufText.TextColumns);
            Tables.DrawPairs(context.Terminal.Output, [("written", GgufText.Summary(export))]);
        }

        return ExitCode.Done;
    }

    private static JsonObject Document(string source, GgufExport export) => new()
    {
        ["source"] = source,
        ["format"] = "gguf",
        ["out"] = export.Path,
        ["file_bytes"] = export.FileBytes,
        ["bits_per_weight"] = JsonOutput.Number(export.BitsPerWeight),
        ["exact"] = export.IsExact,
        ["warnings"] = new JsonArray([.. export.Warnings.Select(warning => (JsonNode)warning)]),
        ["tensors"] = new JsonArray([.. export.Tensors.Select(tensor => (JsonNode)new JsonObject
        {
            ["name"] = tensor.Name,
            ["gguf_name"] = tensor.GgufName,
            ["shape"] = JsonOutput.Numbers(tensor.Shape),
            ["type"] = tensor.Type.Name(),
            ["code_bits"] = tensor.CodeBits,
            ["bits_per_weight"] = JsonOutput.Number(tensor.BitsPerWeight),
            ["exact"] = tensor.IsExact,
        })]),
    };

    /// <summary>Dequantized weights in float32, the one type that holds all of them exactly.</summary>
    private static int WriteSafetensors(CommandContext context, string source, LoadedModel model, string target)
    {
        OutputFolder.RequireWritable(target);
        HuggingFaceWriter.Save(target, model.Model, model.Tokenizer, model.TokenizerFiles, SafetensorsDtype.F32);
        long fileBytes = Directory.EnumerateFiles(target, "*.safetensors").Sum(file => new FileInfo(file).Length);
        if (context.Json)
        {
            JsonOutput.Print(context.Terminal, new JsonObject { ["source"] = source, ["format"] = "safetensors", ["out"] = target, ["file_bytes"] = fileBytes, ["exact"] = true });
        }
        else
        {
            Tables.DrawPairs(context.Terminal.Output, [("written", Units.Text($"{target}, {Units.Bytes(fileBytes)} of float32 weights, exact"))]);
        }

        return ExitCode.Done;
    }
}
