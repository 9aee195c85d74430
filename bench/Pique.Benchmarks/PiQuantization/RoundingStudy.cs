using Pique.Configuration;
using Pique.Evaluation;
using Pique.Formats;
using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Benchmarks.PiQuantization;

/// <summary>Rounds a model's linear weights to every case's grids and measures the weights and the model, without training.</summary>
internal static class RoundingStudy
{
    /// <summary>Measures every case.</summary>
    /// <param name="study">Model and data.</param>
    /// <param name="bits">Bits a code.</param>
    /// <param name="presetK">k whose α is searched.</param>
    public static IEnumerable<RoundingRow> Run(StudyModel study, int bits, int presetK)
    {
        using IDisposable noGradient = no_grad();
        using LoadedModel loaded = ModelLoader.Load(study.Recipe.Model);
        QuantizationPolicy policy = QuantizationPolicy.From(study.Recipe with { Qat = QatConfig.Pi(bits, presetK) });
        var layers = loaded.Model.QuantizableLayers.Where(entry => policy.SpecFor(entry.Name) is not null).ToList();
        var weights = layers.Select(entry => ((Tensor)entry.Layer.Weight, LayoutOf(entry.Layer.Weight))).ToList();
        foreach (GridCase gridCase in GridCase.All(policy.Base.Grid, presetK, weights))
        {
            using DisposeScope scope = NewDisposeScope();
            var steps = layers.ToDictionary(entry => entry.Name, entry => new GroupScales(gridCase.Steps(entry.Layer.Weight, LayoutOf(entry.Layer.Weight)), null));
            ModelQuantizer.Prepare(layers, name => policy.SpecFor(name)! with { PiK = gridCase.PiK, PiKPerChannel = gridCase.PiKPerChannel }, steps);
            yield return Measure(study, loaded, layers, bits, gridCase.Name);
        }
    }

    private static GroupLayout LayoutOf(Tensor weight) => GroupLayout.For(new QuantGranularity.PerChannel(), weight.shape[0], weight.shape[1]);

    private static RoundingRow Measure(
        StudyModel study, LoadedModel loaded, IReadOnlyList<(string Name, IQuantizableLayer Layer)> layers, int bits, string name)
    {
        Tensor original = cat([.. layers.Select(entry => entry.Layer.Weight.reshape(-1))]);
        Tensor rounded = cat([.. layers.Select(entry => entry.Layer.EffectiveWeight().reshape(-1))]);
        QuantizationError error = QuantizationError.Measure(original, rounded);
        double distortion = 0, energy = 0, retained = 0;
        foreach ((_, IQuantizableLayer layer) in layers)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor effective = layer.EffectiveWeight();
            double layerEnergy = layer.Weight.Squared().sum(ScalarType.Float64).item<double>();
            distortion += layerEnergy * SpectralDistortion.Measure(layer.Weight, effective);
            energy += layerEnergy;
            retained += layer.Weight.numel() * OutlierRetention.Measure(
                layer.Weight, effective, LayoutOf(layer.Weight), layer.WeightQuantizer!.CurrentScales(layer.Weight).Scales);
        }

        LanguageModelQuality quality = LanguageModelEvaluator.Evaluate(
            loaded.Model, study.Data.HeldOut.Batches(epoch: 0), study.Data.HeldOutBytes, study.Teacher.Model);
        return new(
            bits, name, error.MeanSquaredError, error.SqnrDecibels, error.CosineSimilarity, distortion / energy,
            retained / original.numel(), quality.Perplexity, quality.Teacher!.KlDivergence);
    }
}
