using System.Collections.ObjectModel;
using Pique.Calibration;
using Pique.Configuration;
using Pique.Data;
using Pique.Formats;
using Pique.Models.Llama;
using Pique.Quantization;

namespace Pique.Pipeline;

/// <summary>The first phase of a run: what train, calibrate and quantize share.</summary>
public static class CalibrationPhase
{
    /// <summary>Calibrates as a recipe says, or takes the artifact it names.</summary>
    /// <param name="recipe">The recipe; model and training records are given beside it.</param>
    /// <param name="model">The model that is to be quantized: the source's own, or rotated.</param>
    /// <param name="source">The model as it was loaded.</param>
    /// <param name="records">Records to choose samples from; null where there are none.</param>
    /// <param name="analyzesSensitivity">Analyse the sensitivity of all layers, whether or not bits are to be chosen.</param>
    /// <param name="progress">Told how far the work is; null for nobody.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>The artifact, owned by the caller.</returns>
    /// <exception cref="InputException">The samples cannot be used, a weight cannot be quantized, or the artifact belongs to something else.</exception>
    public static CalibrationArtifact Run(
        Recipe recipe,
        LlamaModel model,
        LoadedModel source,
        IReadOnlyList<SourcedRecord>? records,
        bool analyzesSensitivity,
        Action<CalibrationProgress>? progress,
        TimeProvider time,
        CancellationToken cancellationToken = default)
    {
        if (recipe.Calibration.Artifact is { } path)
        {
            return Load(path, recipe, source.Digest);
        }

        if (records is not null && recipe.Data.ContextTokens > model.ContextTokens)
        {
            throw new InputException(
                $"data.context_tokens: {recipe.Data.ContextTokens} tokens, but {recipe.Model} was made for {model.ContextTokens}. Set context_tokens to {model.ContextTokens} or less.");
        }

        CalibrationSamples? samples = records is null
            ? null
            : CalibrationSamples.Select(records, recipe.Calibration, recipe.Training.Seed, source.Tokenizer, recipe.Data.ContextTokens);
        bool measures = samples is not null && analyzesSensitivity;
        var request = new CalibrationRequest
        {
            Model = model,
            Stored = StoredOf(source, model),
            ModelDigest = source.Digest,
            Recipe = recipe,
            Samples = samples,
            MeasuredOn = measures ? samples!.Apart(records!, recipe.Training.Seed, source.Tokenizer) ?? samples.Rows : null,
            AnalyzesSensitivity = analyzesSensitivity,
            Progress = progress,
        };
        return CalibrationRun.Run(request, time, cancellationToken);
    }

    /// <summary>The codes that a model was loaded with; none where it was turned since, for a rotation takes weights off their grid.</summary>
    internal static IReadOnlyDictionary<string, QuantizedTensor> StoredOf(LoadedModel source, LlamaModel model) =>
        ReferenceEquals(model, source.Model) ? source.Quantized : ReadOnlyDictionary<string, QuantizedTensor>.Empty;

    /// <summary>Loads an artifact for reuse.</summary>
    /// <param name="path">The calibration file.</param>
    /// <param name="recipe">The recipe that is to use it.</param>
    /// <param name="modelDigest">SHA-256 of the model's parameters.</param>
    /// <returns>The artifact, owned by the caller.</returns>
    /// <exception cref="InputException">The file is damaged, or was made for another model or configuration.</exception>
    public static CalibrationArtifact Load(string path, Recipe recipe, string modelDigest) => Fitting(CalibrationFile.Load(path), path, recipe, modelDigest);

    /// <summary>Loads what an interrupted run had calibrated.</summary>
    /// <param name="path">The calibration file.</param>
    /// <param name="recipe">The recipe of the run.</param>
    /// <param name="modelDigest">SHA-256 of the model's parameters.</param>
    /// <param name="damaged">Told what is wrong with a file that cannot be read, as a power cut may leave it; to calibrate again gives the same.</param>
    /// <returns>The artifact, owned by the caller; null where there is none or it is damaged.</returns>
    /// <exception cref="InputException">The file was made for another model or configuration.</exception>
    public static CalibrationArtifact? LoadLeft(string path, Recipe recipe, string modelDigest, Action<string> damaged)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        CalibrationArtifact artifact;
        try
        {
            artifact = CalibrationFile.Load(path);
        }
        catch (InputException fault)
        {
            damaged(fault.Message);
            return null;
        }

        return Fitting(artifact, path, recipe, modelDigest);
    }

    private static CalibrationArtifact Fitting(CalibrationArtifact artifact, string path, Recipe recipe, string modelDigest)
    {
        try
        {
            CalibrationFit.Require(artifact, path, modelDigest, recipe);
            return artifact;
        }
        catch
        {
            artifact.Dispose();
            throw;
        }
    }
}
