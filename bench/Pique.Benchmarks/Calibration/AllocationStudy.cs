using Pique.Calibration;
using Pique.Configuration;
using Pique.Evaluation;

namespace Pique.Benchmarks.Calibration;

/// <summary>Bits divided over the layers by predicted and by measured losses, against the same bits for all and against the two plainest divisions.</summary>
internal static class AllocationStudy
{
    private static readonly double[] Averages = [2.5, 3];

    /// <summary>Measures every division.</summary>
    public static IEnumerable<CalibrationRow> Run(CalibratedStudyModel model)
    {
        Recipe recipe = model.Study.Recipe with
        {
            Qat = new QatConfig { Bits = 2, SteVariant = new SteVariant.LearnedStepSize() },
            Calibration = new() { Method = CalibrationMethod.Mse, Weighted = false },
        };
        IReadOnlyList<LayerSensitivity> layers;
        using (CalibrationArtifact artifact = model.Calibrate(recipe, analyzesSensitivity: true))
            layers = artifact.Sensitivity;

        int half = layers.Count / 2;
        yield return Measure("2 for all", layers.Select(_ => 2));
        foreach (double average in Averages)
        {
            yield return Measure(FormattableString.Invariant($"{average} on average, by predicted losses"), Choose(average, cost => cost.PredictedNats));
            yield return Measure(FormattableString.Invariant($"{average} on average, by measured losses"), Choose(average, cost => cost.MeasuredNats!.Value));
        }

        yield return Measure("3 for the first half of the layers, 2 for the others", layers.Select((_, index) => index < half ? 3 : 2));
        yield return Measure("2 for the first half of the layers, 3 for the others", layers.Select((_, index) => index < half ? 2 : 3));
        yield return Measure("3 for all", layers.Select(_ => 3));

        IReadOnlyList<int> Choose(double average, Func<BitCost, double> loss) =>
            BitAllocation.Choose([.. layers.Select(layer => (layer.WeightCount, (IReadOnlyList<double>)[.. layer.Costs.Select(loss)]))], average);

        CalibrationRow Measure(string name, IEnumerable<int> bits)
        {
            LayerOverride[] overrides = [.. layers.Zip(bits, (layer, width) => new LayerOverride { Pattern = layer.Name, Bits = width }), .. recipe.Overrides];
            LanguageModelQuality quality = model.Measure(recipe with { Overrides = overrides });
            return new("per row, mse", name, quality.Perplexity, quality.Teacher!.KlDivergence);
        }
    }
}
