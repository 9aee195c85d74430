using Pique.Configuration;
using Pique.Formats.Safetensors;
using Pique.Pipeline;
using Pique.Training;

namespace Pique.Cli.Inspection;

/// <summary>Looks into run folders and checkpoints.</summary>
internal static class RunInspector
{
    private static readonly string[] Parts = ["calibration.json", MetricsWriter.FileName, QatPipeline.ModelFolderName, QatPipeline.AdapterFolderName, QatPipeline.GgufName, "report.html", QatRun.ResultName];

    /// <summary>Describes a run: its choices, what it has written, its checkpoints.</summary>
    /// <param name="path">Folder of the run.</param>
    /// <exception cref="InputException">The recipe in it is damaged.</exception>
    public static InspectionResult InspectRun(string path)
    {
        ConfigurationSource source = RecipeFile.Load(Path.Combine(path, RunFolder.RecipeName));
        var facts = new List<(string, object?)>();
        if (source is ConfigurationSource.Training training)
        {
            facts.AddRange(RecipeSummary.Of(training.Recipe).Select(choice => (choice.Name.Replace(' ', '_'), (object?)choice.Value)));
        }

        facts.Add(("written", string.Join(", ", Parts.Where(part => Path.Exists(Path.Combine(path, part))))));
        IReadOnlyList<string> checkpoints = new CheckpointStore(Path.Combine(path, Trainer.CheckpointsName), keep: 1).Folders;
        return new InspectionResult(
            source is ConfigurationSource.Training ? "training run" : "pretraining run",
            facts,
            "checkpoints",
            ["name", "stored_bytes", "state"],
            [.. checkpoints.Select(checkpoint => (object?[])[Path.GetFileName(checkpoint), BytesIn(checkpoint), CheckpointStore.Fault(checkpoint) ?? "sound"])]);
    }

    /// <summary>Checks a checkpoint against its manifest and lists its tensors.</summary>
    /// <param name="path">Folder of the checkpoint.</param>
    /// <exception cref="InputException">The checkpoint is damaged.</exception>
    public static InspectionResult InspectCheckpoint(string path)
    {
        if (CheckpointStore.Fault(path) is { } fault)
        {
            throw new InputException($"{path}: the checkpoint is damaged ({fault}), expected every file as its manifest says. Use an older checkpoint of the run.");
        }

        var rows = new List<IReadOnlyList<object?>>();
        foreach (string file in Directory.EnumerateFiles(path, "*.safetensors").Order(StringComparer.Ordinal))
        {
            using SafetensorsFile tensors = SafetensorsFile.Open(file);
            rows.AddRange(tensors.Tensors.Select(tensor =>
                (object?[])[$"{Path.GetFileNameWithoutExtension(file)}/{tensor.Name}", tensor.Shape.ToArray(), tensor.Dtype.FormatName(), tensor.StoredBytes]));
        }

        return new InspectionResult(
            "checkpoint",
            [("state", "sound"), ("tensor_count", rows.Count), ("stored_bytes", BytesIn(path))],
            "tensors",
            ["name", "shape", "format", "stored_bytes"],
            rows);
    }

    private static long BytesIn(string folder) => Directory.EnumerateFiles(folder).Sum(file => new FileInfo(file).Length);
}
