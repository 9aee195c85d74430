using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pique.Formats;

namespace Pique.Training;

/// <summary>Appends a line a step to metrics.jsonl. A number that is not finite is written as null.</summary>
public sealed class MetricsWriter : IDisposable
{
    /// <summary>Name of the file in the run folder.</summary>
    public const string FileName = "metrics.jsonl";

    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Converters = { new FiniteOrNull() },
    };

    private readonly FileStream _stream;

    private MetricsWriter(FileStream stream) => _stream = stream;

    /// <summary>Opens the file for a run that has done some steps; lines of later steps are dropped, so that none appears twice.</summary>
    /// <param name="runFolder">Existing run folder.</param>
    /// <param name="completedSteps">Steps of the checkpoint the run continues from; 0 starts the file anew.</param>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public static MetricsWriter Open(string runFolder, int completedSteps)
    {
        string path = Path.Combine(runFolder, FileName);
        List<string> kept = completedSteps > 0 && File.Exists(path)
            ? [.. File.ReadLines(path).TakeWhile(line => StepOf(line) is { } step && step <= completedSteps)]
            : [];
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(string.Concat(kept.Select(line => line + "\n")))));
        return new(new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read, bufferSize: 0));
    }

    /// <summary>Reads back what was written.</summary>
    /// <param name="runFolder">The run folder.</param>
    /// <returns>Measurements of the steps; lines that are none are left out.</returns>
    internal static IEnumerable<StepMetrics> Read(string runFolder)
    {
        string path = Path.Combine(runFolder, FileName);
        return File.Exists(path) ? File.ReadLines(path).Select(Parse).OfType<StepMetrics>() : [];
    }

    /// <summary>Appends one line and hands it to the operating system, so that it outlives the process.</summary>
    /// <param name="metrics">The step.</param>
    public void Write(StepMetrics metrics)
    {
        _stream.Write([.. JsonSerializer.SerializeToUtf8Bytes(metrics, Json), (byte)'\n']);
    }

    /// <summary>Forces all lines to the disk.</summary>
    public void FlushToDisk() => _stream.Flush(flushToDisk: true);

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private static StepMetrics? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<StepMetrics>(line, Json);
        }
        catch (JsonException)
        {
            return null; // Cut short by a crash, or of another version.
        }
    }

    private static int? StepOf(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return document.RootElement.TryGetProperty("step", out JsonElement step) ? step.GetInt32() : null;
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or FormatException)
        {
            // A line cut short by a crash: it and what follows are written again by the resumed run.
            return null;
        }
    }

    private sealed class FiniteOrNull : JsonConverter<double>
    {
        public override double Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType == JsonTokenType.Null ? double.NaN : reader.GetDouble();

        public override bool HandleNull => true;

        public override void Write(Utf8JsonWriter writer, double value, JsonSerializerOptions options)
        {
            if (double.IsFinite(value))
            {
                writer.WriteNumberValue(value);
            }
            else
            {
                writer.WriteNullValue();
            }
        }
    }
}
