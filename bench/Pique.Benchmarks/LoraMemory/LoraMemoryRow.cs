using System.Text.Json.Serialization;

namespace Pique.Benchmarks.LoraMemory;

/// <summary>Memory that adapters took to train, in millions of bytes.</summary>
/// <param name="Case">What ran.</param>
/// <param name="Base">How frozen weights were held.</param>
/// <param name="Steps">Training steps.</param>
/// <param name="LoadedMegabytes">Peak once the model was loaded; null where it was not looked at.</param>
/// <param name="PreparedMegabytes">Peak once adapters and quantizers were in place; null where it was not looked at.</param>
/// <param name="TrainingMegabytes">Peak from the first step on; null where it was not looked at.</param>
/// <param name="ProcessMegabytes">Peak of the whole process.</param>
/// <param name="StepSeconds">Mean time of a step.</param>
internal sealed record LoraMemoryRow(
    [property: JsonPropertyName("case")] string Case,
    [property: JsonPropertyName("base")] string Base,
    [property: JsonPropertyName("steps")] int Steps,
    [property: JsonPropertyName("loaded_megabytes")] double? LoadedMegabytes,
    [property: JsonPropertyName("prepared_megabytes")] double? PreparedMegabytes,
    [property: JsonPropertyName("training_megabytes")] double? TrainingMegabytes,
    [property: JsonPropertyName("process_megabytes")] double ProcessMegabytes,
    [property: JsonPropertyName("step_seconds")] double StepSeconds)
{
    /// <summary>Peak that may not be passed: 2 GB.</summary>
    public const double MostMegabytes = 2000;

    /// <summary>Whether it was not passed.</summary>
    [JsonPropertyName("met")]
    public bool IsMet => ProcessMegabytes <= MostMegabytes;
}
