using Pique.Calibration;
using Pique.Cli.Rendering;
using Pique.Configuration;
using Pique.Data;
using Pique.Formats;
using Pique.Models.Llama;
using Pique.Models.Rotation;
using Pique.Pipeline;

namespace Pique.Cli;

/// <summary>Calibrates a model under a progress display; what calibrate and quantize share.</summary>
internal static class CalibratedModel
{
    /// <summary>Loads the model that is to be quantized.</summary>
    /// <param name="path">Path of the model.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="InputException">It cannot be read, or is quantized already.</exception>
    public static LoadedModel Load(string path)
    {
        LoadedModel source = ModelLoader.Load(path);
        if (source.Quantized.Count == 0)
        {
            return source;
        }

        source.Dispose();
        throw new InputException($"{path}: is quantized already, expected a model in full precision. Name the model it was made from.");
    }

    /// <summary>The model with its weights rotated where the recipe asks for that, else the very model that was loaded.</summary>
    /// <param name="context">Where to write.</param>
    /// <param name="recipe">The recipe.</param>
    /// <param name="source">The model as it was loaded.</param>
    public static LlamaModel Rotate(CommandContext context, Recipe recipe, LoadedModel source) => recipe.Qat.UseIncoherence
        ? IncoherenceRotation.Apply(source.Model, recipe.Training.Seed, new TrainingProgress(ProgressDisplay.Plain(context)))
        : source.Model;

    /// <summary>Calibrates, and tells what was odd about the samples.</summary>
    /// <param name="context">Where to write.</param>
    /// <param name="recipe">The recipe.</param>
    /// <param name="model">The model to be quantized.</param>
    /// <param name="source">The model as it was loaded.</param>
    /// <param name="records">Records to choose samples from; null where there are none.</param>
    /// <param name="analyzesSensitivity">Analyse the sensitivity of all layers.</param>
    /// <returns>The artifact, owned by the caller.</returns>
    public static CalibrationArtifact Calibrate(
        CommandContext context, Recipe recipe, LlamaModel model, LoadedModel source, IReadOnlyList<SourcedRecord>? records, bool analyzesSensitivity)
    {
        CalibrationArtifact artifact = ProgressDisplay.Run(context, display =>
            CalibrationPhase.Run(recipe, model, source, records, analyzesSensitivity, new TrainingProgress(display).Report, context.Time, context.Cancellation));
        foreach (string warning in artifact.Warnings)
        {
            context.Note($"warning: {warning}");
        }

        return artifact;
    }
}
