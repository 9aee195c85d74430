namespace Pique.Data;

/// <summary>A record and where it came from.</summary>
/// <param name="Record">The record.</param>
/// <param name="Origin">Where it was read, for messages: "train.jsonl:12".</param>
/// <param name="MayBeCut">True for documents of text files, which packing may cut into windows of the context length.</param>
public sealed record SourcedRecord(DataRecord Record, string Origin, bool MayBeCut = false)
{
    /// <summary>Numbers generated records from 1.</summary>
    /// <param name="records">The records.</param>
    /// <param name="source">Name of their source, for messages.</param>
    public static IEnumerable<SourcedRecord> FromSequence(IEnumerable<DataRecord> records, string source) =>
        records.Select((record, index) => new SourcedRecord(record, $"{source}:{index + 1}"));
}
