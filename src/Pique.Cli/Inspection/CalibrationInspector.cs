using Pique.Calibration;
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
        CalibrationArtifact artifact = CalibrationFile.Load(path);
        return new InspectionResult(
            "calibration",
            [
                ("method", artifact.Method == Configuration.CalibrationMethod.Absmax ? "absmax" : "mse"),
                ("seed", artifact.Seed),
                ("timestamp", artifact.Timestamp.ToString("u", System.Globalization.CultureInfo.InvariantCulture)),
                ("dataset_digest", artifact.DatasetDigest),
                ("bits", artifact.Config.Bits),
                ("file_bytes", new FileInfo(path).Length),
            ],
            "weights",
            ["name", "shape", "bits", "grid", "scales", "scale_min", "scale_max", "sqnr_db"],
            [.. artifact.Tensors.Select(entry => Row(entry.Key, entry.Value))]);
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
    ];
}
