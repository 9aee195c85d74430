using System.Globalization;
using System.Text.Json;
using Pique.Calibration;
using Pique.Configuration;
using Pique.Quantization;

namespace Pique.Cli.Inspection;

/// <summary>Looks into calibration files.</summary>
internal static class CalibrationInspector
{
    /// <summary>Lists what a file says of the samples, the weights, their inputs and the sensitivity of layers.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InputException">The file is damaged.</exception>
    public static InspectionResult Inspect(string path)
    {
        using CalibrationArtifact artifact = CalibrationFile.Load(path);
        return new InspectionResult(
            "calibration",
            [
                ("method", SnakeCase.Of(artifact.Method)),
                ("weighted", artifact.Weighted ? "yes" : "no"),
                ("seed", artifact.Seed),
                ("timestamp", artifact.Timestamp.ToString("u", CultureInfo.InvariantCulture)),
                ("model_digest", artifact.ModelDigest),
                ("dataset_digest", artifact.DatasetDigest),
                ("samples", artifact.SampleCounts.Values.Sum()),
                .. artifact.SampleCounts.Select(entry => ($"samples.{JsonNamingPolicy.SnakeCaseLower.ConvertName(entry.Key.ToString())}", (object?)entry.Value)),
                ("warnings", artifact.Warnings.ToArray()),
                ("bits", artifact.Config.Bits),
                ("activation_bits", artifact.ActivationBits),
                ("file_bytes", new FileInfo(path).Length),
            ],
            "weights",
            ["name", "shape", "bits", "grid", "scales", "scale_min", "scale_max", "sqnr_db", "output_sqnr_db"],
            [.. artifact.Tensors.Select(entry => Row(entry.Key, entry.Value))])
        {
            MoreTables =
            [
                new("inputs", ["name", "tokens", "rms", "min_max", "percentile", "mse", "entropy", "scale", "zero_point"], [.. artifact.Activations.Select(entry => Row(entry.Key, entry.Value, artifact))]),
                Costs("predicted_nats", artifact.Sensitivity, cost => cost.PredictedNats),
                Costs("measured_nats", [.. artifact.Sensitivity.Where(layer => layer.Costs.All(cost => cost.MeasuredNats is not null))], cost => cost.MeasuredNats),
            ],
        };
    }

    private static object?[] Row(string name, CalibratedTensor tensor) =>
    [
        name,
        new[] { tensor.Rows, tensor.Columns },
        tensor.Bits,
        GridText.Of(tensor.Kind, tensor.TwoLevelScales),
        tensor.Scales.Count,
        tensor.Scales.Count == 0 ? null : (double)tensor.Scales.Min(),
        tensor.Scales.Count == 0 ? null : (double)tensor.Scales.Max(),
        tensor.SqnrDecibels,
        tensor.OutputSqnrDecibels,
    ];

    private static object?[] Row(string name, CalibratedActivation input, CalibrationArtifact artifact)
    {
        (float scale, int zeroPoint) = CalibratedActivation.AffineGrid(input.RangeOf(artifact.Method), artifact.ActivationBits);
        return [name, input.TokenCount, input.RootMeanSquare, Ends(input.MinMax), Ends(input.Percentile), Ends(input.Mse), Ends(input.Entropy), (double)scale, zeroPoint];
    }

    private static double[] Ends(ObservedRange range) => [range.Lowest, range.Highest];

    /// <summary>The rise of the loss at each bit width, nats per token, and the bits that were chosen.</summary>
    private static InspectionTable Costs(string name, IReadOnlyList<LayerSensitivity> layers, Func<BitCost, double?> nats) => new(
        name,
        ["name", "weights", "chosen_bits", .. layers.Count == 0 ? [] : layers[0].Costs.Select(cost => string.Create(CultureInfo.InvariantCulture, $"{cost.Bits}_bits"))],
        [.. layers.Select(layer => (object?[])[layer.Name, layer.WeightCount, layer.ChosenBits, .. layer.Costs.Select(cost => (object?)nats(cost))])]);
}
