using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Pique.Data;

/// <summary>Records divided into those trained on and those kept for evaluation.</summary>
/// <param name="Train">Records to train on, in the order given.</param>
/// <param name="HeldOut">Records to evaluate on, in the order given.</param>
/// <remarks>
/// The SHA-256 of a record's content decides, so a record stays on its side whatever the order of the files and whatever is
/// added to them, and copies of a record never straddle the divide.
/// </remarks>
public sealed record HeldOutSplit(IReadOnlyList<SourcedRecord> Train, IReadOnlyList<SourcedRecord> HeldOut)
{
    /// <summary>Divides records.</summary>
    /// <param name="records">The records.</param>
    /// <param name="heldOutShare">Expected share of held-out records, 0 to 1. 0 holds out none and 1 all; otherwise both sides must get a record.</param>
    /// <exception cref="InputException">The share is outside 0..1, there is no record, or one side stays empty.</exception>
    public static HeldOutSplit Divide(IReadOnlyCollection<SourcedRecord> records, double heldOutShare)
    {
        if (!(heldOutShare is >= 0 and <= 1))
        {
            throw new InputException(Invariant($"held_out_share: found {heldOutShare}, expected 0 to 1."));
        }

        if (records.Count == 0)
        {
            throw new InputException("data: found no record to divide into training and held-out data, expected at least one.");
        }

        List<SourcedRecord> train = [];
        List<SourcedRecord> heldOut = [];
        double lowest = 1;
        double highest = 0;
        foreach (SourcedRecord record in records)
        {
            double position = PositionOf(record.Record);
            lowest = Math.Min(lowest, position);
            highest = Math.Max(highest, position);
            (position < heldOutShare ? heldOut : train).Add(record);
        }

        if (heldOutShare is > 0 and < 1 && (train.Count == 0 || heldOut.Count == 0))
        {
            string advice = lowest == highest
                ? "give more than one distinct record (documents of a .txt file are separated by <|endoftext|> lines)"
                : heldOut.Count == 0
                    ? Invariant($"use {Math.Ceiling(lowest * 1000 + 1) / 1000} or more, or add records")
                    : Invariant($"use {Math.Floor(highest * 1000) / 1000} or less, or add records");
            throw new InputException(Invariant(
                $"held_out_share: a share of {heldOutShare} of {records.Count} records leaves none {(heldOut.Count == 0 ? "held out" : "to train on")}; {advice}."));
        }

        return new HeldOutSplit(train, heldOut);
    }

    /// <summary>SHA-256 of a record's content: its kind and its texts.</summary>
    /// <param name="record">The record.</param>
    /// <returns>32 bytes.</returns>
    public static byte[] HashOf(DataRecord record)
    {
        string[] texts = record switch
        {
            DataRecord.Text text => ["text", text.Content],
            DataRecord.Reasoning problem => ["reasoning", problem.Prompt, .. problem.Steps, problem.Answer],
            DataRecord.ToolCall call => ["tool call", call.Prompt, call.Call],
            _ => throw new ArgumentException($"Unknown kind of record {record.GetType().Name}.", nameof(record)),
        };
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[sizeof(int)];
        foreach (string text in texts)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
            hash.AppendData(length);
            hash.AppendData(bytes);
        }

        return hash.GetHashAndReset();
    }

    /// <summary>Place of a record between 0 and 1: the first 53 bits of its hash.</summary>
    private static double PositionOf(DataRecord record) =>
        (BinaryPrimitives.ReadUInt64BigEndian(HashOf(record)) >> 11) * (1.0 / (1UL << 53));

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
