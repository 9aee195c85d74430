using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Pique.Configuration;
using Pique.Formats;
using Pique.Numerics;

namespace Pique.Calibration;

/// <summary>Reads and writes calibration.json.</summary>
public static class CalibrationFile
{
    /// <summary>Name of the file in a run folder.</summary>
    public const string FileName = "calibration.json";

    /// <summary>"grid" of a weight on the half-integer grid; on the others, zero points or none tell which.</summary>
    private const string HalfInteger = "half_integer";

    private const string TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss'Z'";

    private static readonly JsonWriterOptions WriterOptions = new() { Indented = true };

    /// <summary>Writes an artifact; the file is whole or absent.</summary>
    /// <param name="path">File to write.</param>
    /// <param name="artifact">What calibration found.</param>
    /// <exception cref="InputException">The folder is missing or not writable.</exception>
    public static void Save(string path, CalibrationArtifact artifact) => AtomicFile.Write(path, stream => Write(stream, artifact));

    /// <summary>SHA-256 of the file an artifact makes, its timestamp taken as the first moment of the calendar: equal for equal inputs.</summary>
    /// <param name="artifact">What calibration found.</param>
    /// <returns>64 hexadecimal digits, lower case.</returns>
    public static string Digest(CalibrationArtifact artifact)
    {
        using MemoryStream content = new();
        Write(content, artifact with { Timestamp = DateTimeOffset.MinValue });
        return Convert.ToHexStringLower(SHA256.HashData(content.ToArray()));
    }

    private static void Write(Stream stream, CalibrationArtifact artifact)
    {
        using Utf8JsonWriter json = new(stream, WriterOptions);
        json.WriteStartObject();
        json.WriteNumber("format_version", CalibrationArtifact.CurrentFormatVersion);
        json.WriteString("method", NameOf(artifact.Method));
        json.WriteNumber("seed", artifact.Seed);
        json.WriteString("timestamp", artifact.Timestamp.UtcDateTime.ToString(TimestampFormat, CultureInfo.InvariantCulture));
        json.WriteString("dataset_sha256", artifact.DatasetDigest);
        json.WritePropertyName("config");
        using (JsonDocument config = JsonDocument.Parse(QatConfigJson.Write(artifact.Config)))
            config.RootElement.WriteTo(json);
        json.WriteStartObject("tensors");
        foreach ((string name, CalibratedTensor tensor) in artifact.Tensors)
            Write(json, name, tensor);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    /// <summary>Reads an artifact.</summary>
    /// <param name="path">File to read.</param>
    /// <returns>What calibration found.</returns>
    /// <exception cref="InputException">The file is missing, no calibration file, of another version, or its parts disagree.</exception>
    public static CalibrationArtifact Load(string path)
    {
        try
        {
            using FileStream stream = File.OpenRead(path);
            using JsonDocument document = JsonDocument.Parse(stream);
            return Read(path, document.RootElement);
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

    private static void Write(Utf8JsonWriter json, string name, CalibratedTensor tensor)
    {
        json.WriteStartObject(name);
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
        json.WriteEndObject();
    }

    /// <summary>An array on one line: a number a line would make files of millions of lines.</summary>
    private static void WriteArray<T>(Utf8JsonWriter json, string name, IReadOnlyList<T> values)
    {
        json.WritePropertyName(name);
        json.WriteRawValue(JsonSerializer.Serialize(values));
    }

    private static CalibrationArtifact Read(string path, JsonElement root)
    {
        int version = root.GetProperty("format_version").GetInt32();
        if (version != CalibrationArtifact.CurrentFormatVersion)
        {
            throw new InputException(
                $"{path}: found format version {version}, expected {CalibrationArtifact.CurrentFormatVersion}; calibrate again with this version of Pique.");
        }

        string method = root.GetProperty("method").GetString() ?? "";
        return new()
        {
            Method = Enum.GetValues<CalibrationMethod>().Cast<CalibrationMethod?>().FirstOrDefault(known => NameOf(known!.Value) == method)
                ?? throw new InputException($"{path}: method: found \"{method}\", expected one of {string.Join(", ", Enum.GetValues<CalibrationMethod>().Select(NameOf))}."),
            Seed = root.GetProperty("seed").GetInt64(),
            Timestamp = root.GetProperty("timestamp").GetDateTimeOffset(),
            DatasetDigest = root.GetProperty("dataset_sha256").GetString(),
            Config = QatConfigJson.Read(root.GetProperty("config").GetRawText(), path),
            Tensors = [.. root.GetProperty("tensors").EnumerateObject().Select(entry => KeyValuePair.Create(entry.Name, ReadTensor(path, entry)))],
        };
    }

    private static CalibratedTensor ReadTensor(string path, JsonProperty entry)
    {
        JsonElement json = entry.Value;
        long[] shape = ReadArray(json.GetProperty("shape"), value => value.GetInt64());
        long[] scaleShape = ReadArray(json.GetProperty("scale_shape"), value => value.GetInt64());
        float[] scales = ReadArray(json.GetProperty("scales"), value => value.GetSingle());
        byte[]? zeroPoints = json.TryGetProperty("zero_points", out JsonElement zeros) ? ReadArray(zeros, value => value.GetByte()) : null;
        double? sqnr = json.TryGetProperty("sqnr_db", out JsonElement decibels) ? decibels.GetDouble() : null;
        string where = $"{path}: tensors.{entry.Name}";
        if (shape.Length != 2 || scaleShape.Length != 2 || scaleShape[0] < 0 || scaleShape[1] < 0)
            throw new InputException($"{where}: found shape of {shape.Length} and scale_shape of {scaleShape.Length} sizes, expected two each; calibrate again.");
        long expected = checked(scaleShape[0] * scaleShape[1]);
        if (scales.Length != expected || (zeroPoints is not null && zeroPoints.Length != expected))
            throw new InputException($"{where}: found {scales.Length} scales and {zeroPoints?.Length ?? 0} zero points, expected {expected}; calibrate again.");
        if (Array.FindIndex(scales, scale => !(scale > 0) || !float.IsFinite(scale)) is var bad and >= 0)
            throw new InputException($"{where}: scales[{bad}]: found {scales[bad]}, expected a finite number above zero; calibrate again.");
        string? grid = json.TryGetProperty("grid", out JsonElement kind) ? kind.GetString() ?? "" : null;
        if (grid is not null and not HalfInteger)
            throw new InputException($"{where}.grid: found \"{grid}\", expected \"{HalfInteger}\" or no such field; calibrate again.");
        if (grid is not null && zeroPoints is not null)
            throw new InputException($"{where}: found zero points on the half-integer grid, expected none; calibrate again.");
        int levels = json.TryGetProperty("scale_levels", out JsonElement levelCount) ? levelCount.GetInt32() : 1;
        if (levels is not (1 or 2))
            throw new InputException($"{where}.scale_levels: found {levels}, expected 1 or 2; calibrate again.");
        CalibratedTensor tensor = new(json.GetProperty("bits").GetInt32(), shape[0], shape[1], scaleShape, scales, zeroPoints, sqnr) { TwoLevelScales = levels == 2 };
        return grid is null ? tensor : tensor with { Kind = GridKind.HalfInteger };
    }

    private static T[] ReadArray<T>(JsonElement json, Func<JsonElement, T> read) => [.. json.EnumerateArray().Select(read)];

    private static string NameOf(CalibrationMethod method) => method switch
    {
        CalibrationMethod.Absmax => "absmax",
        CalibrationMethod.Mse => "mse",
        _ => throw new ArgumentOutOfRangeException(nameof(method), method, "Unknown calibration method."),
    };
}
