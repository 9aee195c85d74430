using System.Text.Json.Serialization;
using Pique.Evaluation;

namespace Pique.Benchmarks.Results;

/// <summary>What one method made of a model, and what it took.</summary>
internal sealed record ResultRow(
    [property: JsonPropertyName("model")] string Model,
    [property: JsonPropertyName("bits")] int Bits,
    [property: JsonPropertyName("method")] string Method,
    [property: JsonPropertyName("perplexity")] double Perplexity,
    [property: JsonPropertyName("kl_divergence")] double? KlDivergence,
    [property: JsonPropertyName("top1_agreement")] double? Top1Agreement,
    [property: JsonPropertyName("reasoning_accuracy")] double? Reasoning,
    [property: JsonPropertyName("tool_accuracy")] double? ToolCalls,
    [property: JsonPropertyName("bits_per_weight")] double BitsPerWeight,
    [property: JsonPropertyName("minutes")] double Minutes,
    [property: JsonPropertyName("peak_megabytes")] double? PeakMegabytes)
{
    public static ResultRow Of(string model, int bits, string method, ModelScore score, TimeSpan duration, long? peakBytes) => new(
        model,
        bits,
        method,
        score.Quality.Perplexity,
        score.Quality.Teacher?.KlDivergence,
        score.Quality.Teacher?.Top1Agreement,
        score.Reasoning?.Accuracy,
        score.ToolCalls?.Accuracy,
        score.BitsPerWeight,
        duration.TotalMinutes,
        peakBytes / 1e6);
}
