using System.Text.Json.Serialization;

namespace Pique.Benchmarks;

/// <summary>One figure beside what it is measured against.</summary>
/// <param name="Case">What is timed.</param>
/// <param name="Value">Ours.</param>
/// <param name="Unit">Unit of <paramref name="Value"/> and <paramref name="Against"/>: "ms", "µs" or "MB", less is better, or "GB/s" or "GFLOP/s", more is better.</param>
/// <param name="Reference">The peer or bound.</param>
/// <param name="Against">Its figure in the same unit.</param>
/// <param name="Reach"><see cref="Ratio"/> to be reached; 0 for none.</param>
internal sealed record BenchmarkRow(
    [property: JsonPropertyName("case")] string Case,
    [property: JsonPropertyName("value")] double Value,
    [property: JsonPropertyName("unit")] string Unit,
    [property: JsonPropertyName("reference")] string Reference,
    [property: JsonPropertyName("against")] double Against,
    [property: JsonPropertyName("reach")] double Reach)
{
    public const string Milliseconds = "ms";
    public const string Microseconds = "µs";
    public const string Megabytes = "MB";
    public const string GigabytesPerSecond = "GB/s";
    public const string GigaflopsPerSecond = "GFLOP/s";

    /// <summary>How many times as fast as the reference ours is.</summary>
    [JsonPropertyName("ratio")]
    public double Ratio => Unit is GigabytesPerSecond or GigaflopsPerSecond ? Value / Against : Against / Value;

    /// <summary>Whether the ratio is reached; null where it is shown for comparison only.</summary>
    [JsonPropertyName("met")]
    public bool? IsMet => Reach == 0 ? null : Ratio >= Reach;
}
