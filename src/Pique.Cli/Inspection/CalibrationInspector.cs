using Pique.Calibration;
using Pique.Configuration;
using Pique.Quantization;

namespace Pique.Cli.Inspection;

/// <summary>Looks into calibration files.</summary>
internal static class CalibrationInspector
{
    /// <summary>Lists the calibrated weights of a file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="InputException">The file is damaged.</exception>
    public static InspectionResult Inspect(string path)
    {
        using CalibrationArtifact artifact = CalibrationFile.Load(path);
        return new InspectionResult(
            "calibration",
            [
                ("method", SnakeCase.Of(artifact.Method)),
                ("seed", artifact.Seed),
                ("timestamp", artifact.Timestamp.ToString("u", System.Globalization.CultureInfo.InvariantCulture)),
                ("model_digest", artifact.ModelDigest),
                ("dataset_digest", artifact.DatasetDigest),
                ("samples", artifact.SampleCounts.Values.Sum()),
                ("bits", artifact.Config.Bits),
                ("file_bytes", new FileInfo(path).Length),
            ],
            "weights",
            ["name", "shape", "bits", "grid", "scales", "scale_min", "scale_max", "sqnr_db", "input_min", "input_max"],
            [.. artifact.Tensors.Select(entry => Row(entry.Key, entry.Value, artifact.Activations.FirstOrDefault(input => input.Key == entry.Key).Value))]);
    }

    private static object?[] Row(string name, CalibratedTensor tensor, CalibratedActivation? input) =>
    [
        name,
        new[] { tensor.Rows, tensor.Columns },
        tensor.Bits,
        GridText.Of(tensor.Kind, tensor.TwoLevelScales),
        tensor.Scales.Count,
        tensor.Scales.Count == 0 ? null : (double)tensor.Scales.Min(),
        tensor.Scales.Count == 0 ? null : (double)tensor.Scales.Max(),
        tensor.SqnrDecibels,
        (double?)input?.MinMax.Lowest,
        (double?)input?.MinMax.Highest,
    ];
}
