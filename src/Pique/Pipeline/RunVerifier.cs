using Pique.Adapters;
using Pique.Calibration;
using Pique.Configuration;
using Pique.Formats.Tokenizers;
using Pique.Formats.Verification;
using Pique.Training;

namespace Pique.Pipeline;

/// <summary>Verifies the folder of a run: recipe, calibration, model, exported files and checkpoints, as far as the run has come.</summary>
internal static class RunVerifier
{
    private const string Read = "read, no digest recorded";

    /// <summary>Verifies a run.</summary>
    /// <param name="folder">Its folder; has a recipe.json.</param>
    public static VerificationReport Verify(string folder)
    {
        List<VerificationItem> items = [Readable(folder, RunFolder.RecipeName, path => RecipeFile.Load(path))];
        if (File.Exists(Path.Combine(folder, CalibrationFile.FileName)))
        {
            items.Add(Readable(folder, CalibrationFile.FileName, path => CalibrationFile.Load(path).Dispose()));
        }

        if (Directory.Exists(Path.Combine(folder, Pretraining.TokenizerFolderName)))
        {
            items.Add(Readable(folder, Pretraining.TokenizerFolderName, path => TokenizerLoader.Load(path)));
        }

        if (Directory.Exists(Path.Combine(folder, QatPipeline.ModelFolderName)))
        {
            items.AddRange(Within(QatPipeline.ModelFolderName, ModelFolderVerifier.Verify(Path.Combine(folder, QatPipeline.ModelFolderName))));
        }

        if (Directory.Exists(Path.Combine(folder, QatPipeline.AdapterFolderName)))
        {
            items.AddRange(AdapterItems(folder));
        }

        foreach (string export in Directory.EnumerateFiles(folder, "*.gguf").Order(StringComparer.Ordinal))
        {
            items.AddRange(GgufVerifier.Verify(export, Path.GetFileName(export)));
        }

        foreach (string checkpoint in new CheckpointStore(Path.Combine(folder, Trainer.CheckpointsName), keep: 1).Folders)
        {
            items.AddRange(Within($"{Trainer.CheckpointsName}/{Path.GetFileName(checkpoint)}", CheckpointVerifier.Verify(checkpoint)));
        }

        return new VerificationReport(folder, "run", items);
    }

    private static IEnumerable<VerificationItem> AdapterItems(string folder)
    {
        yield return Readable(folder, $"{QatPipeline.AdapterFolderName}/{AdapterNames.Config}", path => AdapterConfigJson.Read(path));
        yield return Readable(folder, $"{QatPipeline.AdapterFolderName}/{AdapterNames.Origin}", path => AdapterOrigin.Load(path));
        foreach (string file in (string[])[AdapterNames.Weights, AdapterNames.Quantizers])
        {
            string name = $"{QatPipeline.AdapterFolderName}/{file}";
            foreach (VerificationItem item in SafetensorsVerifier.Verify(Path.Combine(folder, name), name))
            {
                yield return item;
            }
        }
    }

    private static IEnumerable<VerificationItem> Within(string folder, VerificationReport report) =>
        report.Items.Select(item => item with { File = $"{folder}/{item.File}" });

    private static VerificationItem Readable(string folder, string file, Action<string> read)
    {
        string path = Path.Combine(folder, file);
        try
        {
            read(path);
            return new VerificationItem(file, VerificationParts.Content, VerificationStatus.NoDigest, Read);
        }
        catch (InputException refusal)
        {
            return VerificationItem.Refused(file, VerificationParts.Content, path, refusal);
        }
    }
}
