using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pique.Evaluation;
using Pique.Formats;

namespace Pique.Cli.Rendering;

/// <summary>JSON documents of --json and result.json.</summary>
internal static class JsonOutput
{
    private static readonly JsonSerializerOptions Format = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Prints a document on standard output.</summary>
    /// <param name="terminal">Where to write.</param>
    /// <param name="document">The document.</param>
    public static void Print(Terminal terminal, JsonObject document)
    {
        terminal.OutputText.Write(document.ToJsonString(Format));
        terminal.OutputText.Write('\n');
    }

    /// <summary>Writes a document to a file that is whole or absent.</summary>
    /// <param name="path">The file.</param>
    /// <param name="document">The document.</param>
    /// <exception cref="InputException">The file cannot be written.</exception>
    public static void Save(string path, JsonObject document) =>
        AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(document.ToJsonString(Format) + "\n")));

    /// <summary>A number; null where it is absent or not finite, which JSON cannot say.</summary>
    /// <param name="value">The number.</param>
    public static JsonNode? Number(double? value) => value is { } number && double.IsFinite(number) ? JsonValue.Create(number) : null;

    /// <summary>A list of numbers.</summary>
    /// <param name="values">The numbers.</param>
    public static JsonArray Numbers(IEnumerable<long> values) => [.. values.Select(value => JsonValue.Create(value))];

    /// <summary>What a run computed with.</summary>
    public static JsonObject Runtime() => new()
    {
        ["torch"] = TorchRuntime.Report.TorchVersion,
        ["processor"] = TorchRuntime.Report.Cpu.ToString(),
        ["threads"] = TorchRuntime.Report.Threads,
        ["fast_math"] = TorchRuntime.Report.FastMath,
    };

    /// <summary>The figures of one model.</summary>
    /// <param name="score">The figures.</param>
    public static JsonObject Row(ModelScore score) => new()
    {
        ["name"] = score.Name,
        ["bits_per_weight"] = Number(score.BitsPerWeight),
        ["file_bytes"] = score.FileBytes,
        ["perplexity"] = Number(score.Quality.Perplexity),
        ["bits_per_byte"] = Number(score.Quality.BitsPerByte),
        ["reasoning_accuracy"] = Number(score.Reasoning?.Accuracy),
        ["tool_accuracy"] = Number(score.ToolCalls?.Accuracy),
        ["kl_divergence"] = Number(score.Quality.Teacher?.KlDivergence),
        ["top1_agreement"] = Number(score.Quality.Teacher?.Top1Agreement),
    };
}
