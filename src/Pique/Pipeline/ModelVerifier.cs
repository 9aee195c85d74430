using Pique.Formats.HuggingFace;
using Pique.Formats.Verification;
using Pique.Training;

namespace Pique.Pipeline;

/// <summary>Verifies files and folders: recomputes every digest that was recorded, checks the structure, and finds values that are not finite.</summary>
public static class ModelVerifier
{
    private const string Known = "a .gguf or .safetensors file, or the folder of a model, a checkpoint or a run";

    /// <summary>Verifies a file or folder. What is wrong with it is reported, not raised.</summary>
    /// <param name="path">A GGUF or safetensors file; a Hugging Face or packed model folder; a checkpoint or run folder.</param>
    /// <returns>The findings on every part.</returns>
    /// <exception cref="InputException">Nothing is there, or nothing that can be verified.</exception>
    public static VerificationReport Verify(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (Directory.Exists(path))
        {
            return VerifyFolder(path);
        }

        if (!File.Exists(path))
        {
            throw new InputException($"{path}: no such file or folder; check the path");
        }

        string file = Path.GetFileName(path);
        return Path.GetExtension(path).ToLowerInvariant() switch
        {
            ".gguf" => new VerificationReport(path, "GGUF file", GgufVerifier.Verify(path, file)),
            ".safetensors" => new VerificationReport(path, "safetensors file", SafetensorsVerifier.Verify(path, file)),
            _ => throw Unknown(path),
        };
    }

    private static VerificationReport VerifyFolder(string path)
    {
        if (Holds(HuggingFaceNames.Config))
        {
            return ModelFolderVerifier.Verify(path);
        }

        if (Holds(RunFolder.RecipeName))
        {
            return RunVerifier.Verify(path);
        }

        // A checkpoint that lost its manifest is known by its name.
        return Holds(CheckpointStore.ManifestName) || CheckpointStore.StepOf(path) is not null ? CheckpointVerifier.Verify(path) : throw Unknown(path);

        bool Holds(string file) => File.Exists(Path.Combine(path, file));
    }

    private static InputException Unknown(string path) => new($"{path}: found nothing to verify, expected {Known}; name one of these");
}
