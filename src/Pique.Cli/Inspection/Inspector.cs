using System.Text.Json;

namespace Pique.Cli.Inspection;

/// <summary>Recognises what a path holds and looks into it.</summary>
internal static class Inspector
{
    /// <summary>Largest JSON file looked into.</summary>
    private const long MaxJsonBytes = 1L << 30;

    private const string Known =
        "a Hugging Face or packed model folder, a run or checkpoint folder, a .safetensors or .gguf file, a llama2.c .bin file, a tokenizer file or a calibration.json";

    /// <summary>Looks into a file or folder.</summary>
    /// <param name="path">The path.</param>
    /// <exception cref="InputException">Nothing is there, it is damaged, or it is of no kind that Pique reads.</exception>
    public static InspectionResult Inspect(string path)
    {
        if (Directory.Exists(path))
        {
            return InspectFolder(path);
        }

        if (!File.Exists(path))
        {
            throw new InputException($"{path}: no such file or folder; check the path. Pique reads {Known}.");
        }

        return Path.GetExtension(path) switch
        {
            ".safetensors" => TensorFileInspector.Inspect(path),
            ".model" => TokenizerInspector.Inspect(path),
            ".bin" when Path.GetFileName(path).StartsWith("tok", StringComparison.Ordinal) => TokenizerInspector.Inspect(path),
            ".gguf" => GgufInspector.Inspect(path),
            ".bin" => ModelInspector.Inspect(path),
            ".json" => InspectJson(path),
            _ => throw Unknown(path),
        };
    }

    private static InspectionResult InspectFolder(string path)
    {
        if (File.Exists(Path.Combine(path, "config.json")))
        {
            return ModelInspector.Inspect(path);
        }

        if (File.Exists(Path.Combine(path, Training.CheckpointStore.ManifestName)))
        {
            return RunInspector.InspectCheckpoint(path);
        }

        return File.Exists(Path.Combine(path, Pipeline.RunFolder.RecipeName)) ? RunInspector.InspectRun(path) : throw Unknown(path);
    }

    private static InspectionResult InspectJson(string path)
    {
        if (new FileInfo(path).Length > MaxJsonBytes)
        {
            throw Unknown(path);
        }

        HashSet<string> fields;
        try
        {
            using FileStream stream = File.OpenRead(path);
            using JsonDocument document = JsonDocument.Parse(stream);
            fields = document.RootElement.ValueKind == JsonValueKind.Object
                ? [.. document.RootElement.EnumerateObject().Select(field => field.Name)]
                : [];
        }
        catch (JsonException failure)
        {
            throw new InputException($"{path}: is no valid JSON ({failure.Message}); mend or fetch the file again.", failure);
        }

        if (fields.IsSupersetOf(["format_version", "tensors"]))
        {
            return CalibrationInspector.Inspect(path);
        }

        return fields.IsSupersetOf(["model", "added_tokens"])
            ? TokenizerInspector.Inspect(path)
            : throw new InputException($"{path}: found JSON of another kind, expected a tokenizer.json or calibration.json. For a configuration or recipe use pique config show; of a model name the folder.");
    }

    private static InputException Unknown(string path) => new($"{path}: found nothing that Pique reads, expected {Known}. Name one of these.");
}
