namespace Pique.Formats.Gguf.Export;

/// <summary>What is asked of an exported file.</summary>
public sealed record GgufExportOptions
{
    /// <summary>Name of the model, as runtimes show it.</summary>
    public required string Name { get; init; }

    /// <summary>
    /// Type to write in place of the most compact exact one: a block type for every quantized weight but embedding and head, or a float
    /// type for every matrix; null leaves the choice.
    /// </summary>
    public GgufTensorType? Type { get; init; }
}
