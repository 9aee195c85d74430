using Pique.Benchmarks.PiQuantization;
using Pique.Calibration;
using Pique.Configuration;
using Pique.Data;
using Pique.Evaluation;
using Pique.Formats;
using Pique.Models.Llama;
using Pique.Pipeline;
using Pique.Quantization;

namespace Pique.Benchmarks.Calibration;

/// <summary>Calibrates a model under study by one recipe after another, each from the model as it was loaded.</summary>
internal sealed class CalibratedStudyModel : IDisposable
{
    private readonly IReadOnlyList<SourcedRecord> _records;

    public CalibratedStudyModel(string model, string? text)
    {
        Study = StudyModel.Load(model, text);
        _records = PreparedData.Divide(Study.Recipe.Data).Train;
    }

    /// <summary>Model, data and full-precision twin.</summary>
    public StudyModel Study { get; }

    /// <summary>Prepares a fresh copy of the model.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="artifact">What calibration by this recipe found.</param>
    /// <returns>The prepared model, owned by the caller.</returns>
    public static LoadedModel Prepare(Recipe recipe, CalibrationArtifact artifact)
    {
        LoadedModel loaded = ModelLoader.Load(recipe.Model);
        artifact.Prepare(loaded.Model.QuantizableLayers, artifact.Resolve(QuantizationPolicy.From(recipe), loaded.Model.QuantizableLayers).SpecFor, recipe.ActivationBits);
        return loaded;
    }

    /// <summary>Calibrates by a recipe.</summary>
    public CalibrationArtifact Calibrate(Recipe recipe, bool analyzesSensitivity = false)
    {
        using LoadedModel loaded = ModelLoader.Load(recipe.Model);
        return CalibrationPhase.Run(recipe, loaded.Model, loaded, _records, analyzesSensitivity, null, TimeProvider.System);
    }

    /// <summary>Perplexity on held-out rows and divergence from the full-precision model.</summary>
    public LanguageModelQuality Measure(LlamaModel model)
    {
        using IDisposable held = ModelQuantizer.HoldWeights(model.QuantizableLayers);
        return LanguageModelEvaluator.Evaluate(model, Study.Data.HeldOut.Batches(epoch: 0), Study.Data.HeldOutBytes, Study.Teacher.Model);
    }

    /// <summary>Calibrates, prepares and measures.</summary>
    public LanguageModelQuality Measure(Recipe recipe)
    {
        using CalibrationArtifact artifact = Calibrate(recipe);
        using LoadedModel model = Prepare(recipe, artifact);
        return Measure(model.Model);
    }

    public void Dispose() => Study.Dispose();
}
