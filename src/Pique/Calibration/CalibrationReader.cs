using System.Text.Json;
using Pique.Configuration;
using Pique.Numerics;

namespace Pique.Calibration;

/// <summary>Reads the JSON of a calibration file.</summary>
internal static class CalibrationReader
{
    /// <summary>Reads an artifact, all but its rounded weights.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="root">Its root.</param>
    /// <param name="roundedDigest">SHA-256 of the file of rounded weights; null where there is none.</param>
    /// <exception cref="InputException">The file is of another version, or its parts disagree.</exception>
    public static CalibrationArtifact Read(string path, JsonElement root, out string? roundedDigest)
    {
        int version = root.GetProperty("format_version").GetInt32();
        if (version != CalibrationArtifact.CurrentFormatVersion)
        {
            throw new InputException(
                $"{path}: found format version {version}, expected {CalibrationArtifact.CurrentFormatVersion}; calibrate again with this version of Pique.");
        }

        CalibrationMethod method = ReadMethod(path, root);
        roundedDigest = root.GetProperty("rounded_weights_sha256").GetString();
        JsonElement samples = root.GetProperty("samples");
        return new()
        {
            Method = method,
            Weighted = root.GetProperty("weighted").GetBoolean(),
            Seed = root.GetProperty("seed").GetInt64(),
            Timestamp = root.GetProperty("timestamp").GetDateTimeOffset(),
            ModelDigest = root.GetProperty("model_sha256").GetString(),
            DatasetDigest = root.GetProperty("dataset_sha256").GetString(),
            SampleCounts = Enum.GetValues<DataDomain>()
                .Select(domain => KeyValuePair.Create(domain, samples.GetProperty(SnakeCase.Of(domain)).GetInt32()))
                .Where(entry => entry.Value > 0)
                .ToDictionary(),
            Config = QatConfigJson.Read(root.GetProperty("config").GetRawText(), path),
            ActivationBits = root.GetProperty("activation_bits").GetInt32(),
            Warnings = [.. root.GetProperty("warnings").EnumerateArray().Select(warning => warning.GetString() ?? "")],
            Tensors = [.. root.GetProperty("tensors").EnumerateObject().Select(entry => KeyValuePair.Create(entry.Name, ReadTensor(path, entry)))],
            Activations = [.. root.GetProperty("activations").EnumerateObject().Select(entry => KeyValuePair.Create(entry.Name, ReadActivation($"{path}: activations.{entry.Name}", entry.Value)))],
            Sensitivity = [.. root.GetProperty("sensitivity").EnumerateObject().Select(entry => ReadSensitivity(path, entry))],
        };
    }

    private static CalibrationMethod ReadMethod(string path, JsonElement root)
    {
        string method = root.GetProperty("method").GetString() ?? "";
        IReadOnlyList<string> names = SnakeCase.NamesOf<CalibrationMethod>();
        int index = names.ToList().IndexOf(method);
        return index >= 0
            ? Enum.GetValues<CalibrationMethod>()[index]
            : throw new InputException($"{path}: method: found \"{method}\", expected one of {string.Join(", ", names)}.");
    }

    private static CalibratedTensor ReadTensor(string path, JsonProperty entry)
    {
        JsonElement json = entry.Value;
        long[] shape = ReadArray(json.GetProperty("shape"), value => value.GetInt64());
        long[] scaleShape = ReadArray(json.GetProperty("scale_shape"), value => value.GetInt64());
        float[] scales = ReadArray(json.GetProperty("scales"), value => value.GetSingle());
        byte[]? zeroPoints = json.TryGetProperty("zero_points", out JsonElement zeros) ? ReadArray(zeros, value => value.GetByte()) : null;
        string where = $"{path}: tensors.{entry.Name}";
        if (shape.Length != 2 || scaleShape.Length != 2 || scaleShape[0] < 0 || scaleShape[1] < 0)
            throw new InputException($"{where}: found shape of {shape.Length} and scale_shape of {scaleShape.Length} sizes, expected two each; calibrate again.");
        long expected = checked(scaleShape[0] * scaleShape[1]);
        if (scales.Length != expected || (zeroPoints is not null && zeroPoints.Length != expected))
            throw new InputException($"{where}: found {scales.Length} scales and {zeroPoints?.Length ?? 0} zero points, expected {expected}; calibrate again.");
        if (Array.FindIndex(scales, scale => !(scale > 0) || !float.IsFinite(scale)) is var bad and >= 0)
            throw new InputException($"{where}: scales[{bad}]: found {scales[bad]}, expected a finite number above zero; calibrate again.");
        string? grid = json.TryGetProperty("grid", out JsonElement kind) ? kind.GetString() ?? "" : null;
        if (grid is not null and not CalibrationFile.HalfInteger)
            throw new InputException($"{where}.grid: found \"{grid}\", expected \"{CalibrationFile.HalfInteger}\" or no such field; calibrate again.");
        if (grid is not null && zeroPoints is not null)
            throw new InputException($"{where}: found zero points on the half-integer grid, expected none; calibrate again.");
        int levels = json.TryGetProperty("scale_levels", out JsonElement levelCount) ? levelCount.GetInt32() : 1;
        if (levels is not (1 or 2))
            throw new InputException($"{where}.scale_levels: found {levels}, expected 1 or 2; calibrate again.");
        CalibratedTensor tensor = new(json.GetProperty("bits").GetInt32(), shape[0], shape[1], scaleShape, scales, zeroPoints, OptionalNumber(json, "sqnr_db"))
        {
            OutputSqnrDecibels = OptionalNumber(json, "output_sqnr_db"),
            TwoLevelScales = levels == 2,
        };
        return grid is null ? tensor : tensor with { Kind = GridKind.HalfInteger };
    }

    private static CalibratedActivation ReadActivation(string where, JsonElement json) => new(
        json.GetProperty("tokens").GetInt64(),
        json.GetProperty("rms").GetDouble(),
        ReadRange(where, json, "min_max"),
        ReadRange(where, json, "percentile"),
        ReadRange(where, json, "mse"),
        ReadRange(where, json, "entropy"));

    private static ObservedRange ReadRange(string where, JsonElement json, string name)
    {
        float[] ends = ReadArray(json.GetProperty(name), value => value.GetSingle());
        return ends.Length == 2 && ends[0] <= ends[1]
            ? new(ends[0], ends[1])
            : throw new InputException($"{where}.{name}: found [{string.Join(", ", ends)}], expected the lower and the upper end of a range; calibrate again.");
    }

    private static LayerSensitivity ReadSensitivity(string path, JsonProperty entry)
    {
        JsonElement json = entry.Value;
        int[] bits = ReadArray(json.GetProperty("bits"), value => value.GetInt32());
        double[] predicted = ReadArray(json.GetProperty("predicted_nats"), value => value.GetDouble());
        double[]? measured = json.TryGetProperty("measured_nats", out JsonElement values) ? ReadArray(values, value => value.GetDouble()) : null;
        if (predicted.Length != bits.Length || (measured is not null && measured.Length != bits.Length))
            throw new InputException($"{path}: sensitivity.{entry.Name}: found {bits.Length} bit widths, {predicted.Length} predicted and {measured?.Length ?? 0} measured losses, expected as many of each; calibrate again.");
        int? chosenBits = json.TryGetProperty("chosen_bits", out JsonElement chosen) ? chosen.GetInt32() : null;
        BitAverage? average = json.TryGetProperty("average_bits", out JsonElement most) ? new(json.GetProperty("average_over").GetString() ?? "", most.GetSingle()) : null;
        if (chosenBits is null != average is null)
            throw new InputException($"{path}: sensitivity.{entry.Name}: found {(average is null ? "chosen_bits without average_bits" : "average_bits without chosen_bits")}, expected both or neither; calibrate again.");
        return new(entry.Name, json.GetProperty("weights").GetInt64(), [.. bits.Select((width, index) => new BitCost(width, predicted[index], measured?[index]))])
        {
            ChosenBits = chosenBits,
            Average = average,
        };
    }

    private static double? OptionalNumber(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement number) ? number.GetDouble() : null;

    private static T[] ReadArray<T>(JsonElement json, Func<JsonElement, T> read) => [.. json.EnumerateArray().Select(read)];
}
