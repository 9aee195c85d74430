using System.Collections.ObjectModel;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using Pique.Configuration;
using Pique.Formats;
using Pique.Numerics;

namespace Pique.Calibration;

/// <summary>Writes and reads calibration.json and, where second-order rounding was used, the file of rounded weights beside it.</summary>
public static class CalibrationFile
{
    /// <summary>Name of the file in a run folder.</summary>
    public const string FileName = "calibration.json";

    /// <summary>"grid" of a weight on the half-integer grid; on the others, zero points or none tell which.</summary>
    internal const string HalfInteger = "half_integer";

    internal const string TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    private static readonly JsonWriterOptions WriterOptions = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Path of the rounded weights that belong to a calibration file: "calibration.safetensors" beside "calibration.json".</summary>
    /// <param name="path">Path of the calibration file.</param>
    public static string RoundedWeightsPath(string path) => Path.ChangeExtension(path, ".safetensors");

    /// <summary>Refuses a path where a calibration would overwrite a file of another kind.</summary>
    /// <param name="path">File to write.</param>
    /// <exception cref="InputException">The file is no calibration, or rounded weights would take the place of a file that belongs to none.</exception>
    public static void RequireReplaceable(string path)
    {
        (bool isCalibration, bool hasRoundedWeights) = Look(path);
        if (File.Exists(path) && !isCalibration)
            throw new InputException($"{path}: found a file that is no calibration, expected none, or a calibration to replace. Name another file.");
        if (File.Exists(RoundedWeightsPath(path)) && !hasRoundedWeights)
        {
            throw new InputException(
                $"{RoundedWeightsPath(path)}: found a file that belongs to no calibration, expected none, since rounded weights go by this name. Name another calibration file than {Path.GetFileName(path)}, or move this one.");
        }
    }

    /// <summary>Writes an artifact; each file is whole or absent, and the calibration file comes last. Rounded weights of a calibration that it replaces go.</summary>
    /// <param name="path">File to write.</param>
    /// <param name="artifact">What calibration found.</param>
    /// <exception cref="InputException">The folder is missing or not writable.</exception>
    public static void Save(string path, CalibrationArtifact artifact)
    {
        bool leavesRoundedWeights = artifact.RoundedWeights is null && Look(path).HasRoundedWeights;
        string? roundedDigest = null;
        if (artifact.RoundedWeights is { } rounded)
        {
            RoundedWeightsFile.Save(RoundedWeightsPath(path), rounded);
            roundedDigest = DigestOf(RoundedWeightsPath(path));
        }

        AtomicFile.Write(path, stream =>
        {
            using Utf8JsonWriter json = new(stream, WriterOptions);
            Write(json, artifact, roundedDigest);
        });
        if (leavesRoundedWeights)
            File.Delete(RoundedWeightsPath(path));
    }

    /// <summary>SHA-256 of an artifact: of its file as if it had been written at the first moment of the calendar, with the rounded weights, where there are some, after it. Equal for equal inputs.</summary>
    /// <param name="artifact">What calibration found.</param>
    /// <returns>64 hexadecimal digits, lower case.</returns>
    public static string Digest(CalibrationArtifact artifact)
    {
        using DigestStream content = new(Stream.Null);
        using (Utf8JsonWriter json = new(content, WriterOptions))
            Write(json, artifact with { Timestamp = DateTimeOffset.MinValue }, roundedDigest: null);
        foreach ((_, TorchSharp.torch.Tensor weight) in (artifact.RoundedWeights ?? ReadOnlyDictionary<string, TorchSharp.torch.Tensor>.Empty).OrderBy(entry => entry.Key, StringComparer.Ordinal))
            RoundedWeightsFile.WriteContent(content, weight);
        return Convert.ToHexStringLower(content.Finish());
    }

    /// <summary>Reads an artifact.</summary>
    /// <param name="path">File to read.</param>
    /// <returns>What calibration found, owned by the caller.</returns>
    /// <exception cref="InputException">The file is missing, no calibration file, of another version, or its parts disagree, or the rounded weights are missing or others.</exception>
    public static CalibrationArtifact Load(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            using JsonDocument document = JsonDocument.Parse(stream, new JsonDocumentOptions { AllowDuplicateProperties = false });
            CalibrationArtifact artifact = CalibrationReader.Read(path, document.RootElement, out string? roundedDigest);
            if (artifact.Method == CalibrationMethod.Gptq && roundedDigest is null)
                throw new InputException($"{path}: found the method gptq without rounded weights, expected their digest; calibrate again.");
            return roundedDigest is null ? artifact : artifact with { RoundedWeights = LoadRoundedWeights(path, roundedDigest, artifact) };
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{path}: cannot be read ({failure.Message}); name a {FileName} that calibration wrote.", failure);
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or KeyNotFoundException or FormatException or OverflowException)
        {
            throw new InputException($"{path}: found no calibration file ({failure.Message}), expected a {FileName} that calibration wrote; calibrate again.", failure);
        }
    }

    private static IReadOnlyDictionary<string, TorchSharp.torch.Tensor> LoadRoundedWeights(string path, string digest, CalibrationArtifact artifact)
    {
        string roundedPath = RoundedWeightsPath(path);
        if (!File.Exists(roundedPath))
            throw new InputException($"{roundedPath}: no such file, expected the rounded weights that belong to {path}; keep the two side by side, or calibrate again.");
        if (DigestOf(roundedPath) is { } found && found != digest)
            throw new InputException($"{roundedPath}: found SHA-256 {found}, expected {digest}, as {path} has it; the two are not of one calibration. Calibrate again.");
        return RoundedWeightsFile.Load(roundedPath, artifact.Tensors);
    }

    /// <summary>What a file says of itself, whole or not.</summary>
    private static (bool IsCalibration, bool HasRoundedWeights) Look(string path)
    {
        if (!File.Exists(path))
            return (false, false);
        try
        {
            using FileStream stream = File.OpenRead(path);
            using JsonDocument document = JsonDocument.Parse(stream);
            JsonElement root = document.RootElement;
            bool isCalibration = root.ValueKind == JsonValueKind.Object && root.TryGetProperty("format_version", out _) && root.TryGetProperty("method", out _) && root.TryGetProperty("tensors", out _);
            return (isCalibration, isCalibration && root.TryGetProperty("rounded_weights_sha256", out JsonElement digest) && digest.ValueKind == JsonValueKind.String);
        }
        catch (JsonException)
        {
            return (false, false);
        }
    }

    private static void Write(Utf8JsonWriter json, CalibrationArtifact artifact, string? roundedDigest)
    {
        json.WriteStartObject();
        json.WriteNumber("format_version", CalibrationArtifact.CurrentFormatVersion);
        json.WriteString("method", SnakeCase.Of(artifact.Method));
        json.WriteBoolean("weighted", artifact.Weighted);
        json.WriteNumber("seed", artifact.Seed);
        json.WriteString("timestamp", artifact.Timestamp.UtcDateTime.ToString(TimestampFormat, CultureInfo.InvariantCulture));
        json.WriteString("model_sha256", artifact.ModelDigest);
        json.WriteString("dataset_sha256", artifact.DatasetDigest);
        json.WriteStartObject("samples");
        foreach (DataDomain domain in Enum.GetValues<DataDomain>())
            json.WriteNumber(SnakeCase.Of(domain), artifact.SampleCounts.GetValueOrDefault(domain));
        json.WriteEndObject();
        json.WritePropertyName("config");
        using (JsonDocument config = JsonDocument.Parse(QatConfigJson.Write(artifact.Config)))
            config.RootElement.WriteTo(json);
        json.WriteNumber("activation_bits", artifact.ActivationBits);
        json.WriteString("rounded_weights_sha256", roundedDigest);
        json.WriteStartArray("warnings");
        foreach (string warning in artifact.Warnings)
            json.WriteStringValue(warning);
        json.WriteEndArray();
        WriteMap(json, "tensors", artifact.Tensors, Write);
        WriteMap(json, "activations", artifact.Activations, (writer, activation) => Write(writer, activation, artifact));
        WriteMap(json, "sensitivity", artifact.Sensitivity.Select(layer => KeyValuePair.Create(layer.Name, layer)), Write);
        json.WriteEndObject();
    }

    private static void WriteMap<T>(Utf8JsonWriter json, string name, IEnumerable<KeyValuePair<string, T>> entries, Action<Utf8JsonWriter, T> write)
    {
        json.WriteStartObject(name);
        foreach ((string key, T value) in entries)
        {
            json.WriteStartObject(key);
            write(json, value);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, CalibratedTensor tensor)
    {
        json.WriteNumber("bits", tensor.Bits);
        if (tensor.Kind == GridKind.HalfInteger)
            json.WriteString("grid", HalfInteger);
        if (tensor.TwoLevelScales)
            json.WriteNumber("scale_levels", 2);
        WriteArray(json, "shape", [tensor.Rows, tensor.Columns]);
        WriteArray(json, "scale_shape", tensor.ScaleShape);
        WriteArray(json, "scales", tensor.Scales);
        if (tensor.ZeroPoints is { } zeroPoints)
            WriteArray(json, "zero_points", [.. zeroPoints.Select(zero => (int)zero)]);
        if (tensor.SqnrDecibels is { } sqnr)
            json.WriteNumber("sqnr_db", Math.Round(sqnr, 4));
        if (tensor.OutputSqnrDecibels is { } outputSqnr)
            json.WriteNumber("output_sqnr_db", Math.Round(outputSqnr, 4));
    }

    private static void Write(Utf8JsonWriter json, CalibratedActivation activation, CalibrationArtifact artifact)
    {
        json.WriteNumber("tokens", activation.TokenCount);
        json.WriteNumber("rms", Rounded(activation.RootMeanSquare));
        WriteArray(json, "min_max", ValuesOf(activation.MinMax));
        WriteArray(json, "percentile", ValuesOf(activation.Percentile));
        WriteArray(json, "mse", ValuesOf(activation.Mse));
        WriteArray(json, "entropy", ValuesOf(activation.Entropy));
        (float scale, int zeroPoint) = CalibratedActivation.AffineGrid(activation.RangeOf(artifact.Method), artifact.ActivationBits);
        json.WriteNumber("scale", scale);
        json.WriteNumber("zero_point", zeroPoint);
    }

    private static void Write(Utf8JsonWriter json, LayerSensitivity layer)
    {
        json.WriteNumber("weights", layer.WeightCount);
        if (layer.ChosenBits is { } bits)
            json.WriteNumber("chosen_bits", bits);
        if (layer.Average is { } average)
        {
            json.WriteNumber("average_bits", average.Bits);
            json.WriteString("average_over", average.Pattern);
        }

        WriteArray(json, "bits", [.. layer.Costs.Select(cost => cost.Bits)]);
        WriteArray(json, "predicted_nats", [.. layer.Costs.Select(cost => Rounded(cost.PredictedNats))]);
        if (layer.Costs.All(cost => cost.MeasuredNats is not null))
            WriteArray(json, "measured_nats", [.. layer.Costs.Select(cost => Rounded(cost.MeasuredNats!.Value))]);
    }

    /// <summary>An array on one line: a number a line would make files of millions of lines.</summary>
    private static void WriteArray<T>(Utf8JsonWriter json, string name, IReadOnlyList<T> values)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(JsonSerializer.Serialize(values));
    }

    private static float[] ValuesOf(ObservedRange range) => [range.Lowest, range.Highest];

    /// <summary>Seven significant digits: what a statistic is worth. JSON has no word for what is no number.</summary>
    private static double Rounded(double value) =>
        double.IsFinite(value) ? double.Parse(value.ToString("G7", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture) : double.MaxValue;

    private static string DigestOf(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }
}
