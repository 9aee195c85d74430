using System.Buffers.Binary;
using System.Security.Cryptography;
using Pique.Configuration;
using Pique.Numerics;
using static TorchSharp.torch;

namespace Pique.Data;

/// <summary>Tokenized records packed into rows of the context length and served as batches.</summary>
/// <remarks>
/// Records are laid into rows once, in a seeded random order; every epoch then visits all rows once in a seeded order of its own,
/// so the number of batches is the same in all epochs and no record is dropped. The last batch has fewer rows where they do not
/// divide evenly. A record is whole in its row unless it is running text longer than a row: that is cut into windows, whose targets
/// run on across the cut, so each of its tokens but the first is predicted exactly once. Tokens of one record attend to the records
/// before it in the row, as is usual when packing; the begin token marks where they end.
/// </remarks>
public sealed class PackedDataset : IBatchSource
{
    // Epochs are counted from 0, so the stream that orders the records for packing is none of theirs.
    private const long PackingStream = -1;

    private readonly TokenizedRecord[] _records;
    private readonly List<List<RowPiece>> _rows;
    private readonly PackingOptions _options;

    /// <summary>Packs records.</summary>
    /// <param name="records">The records.</param>
    /// <param name="options">Row length, batch size, seed.</param>
    /// <exception cref="InputException">There is no record with a token to train on, a record that may not be cut is longer than a row, or an option is out of range.</exception>
    public PackedDataset(IEnumerable<TokenizedRecord> records, PackingOptions options)
    {
        if (options.ContextTokens < 2)
        {
            throw new InputException($"context: found {options.ContextTokens} tokens, expected at least 2.");
        }

        _options = options;
        _records = [.. records];
        if (!_records.Any(record => record.LossMask.Contains(true)))
        {
            throw new InputException($"data: found {_records.Length} records and no token to train on, expected at least one; add records.");
        }

        TokenizedRecord? tooLong = _records.FirstOrDefault(record => record.Tokens.Count > options.ContextTokens && !record.MayBeCut);
        if (tooLong is not null)
        {
            throw RecordTokenizer.TooLong(tooLong.Origin, tooLong.Tokens.Count, options.ContextTokens);
        }

        RowPacker packer = new(options.ContextTokens);
        foreach (int record in Order(_records.Length, PackingStream))
        {
            packer.Add(record, _records[record].Tokens.Count);
        }

        _rows = packer.Rows;
        long tokens = _records.Sum(record => (long)record.Tokens.Count);
        Statistics = new PackingStatistics(
            _records.Length,
            _rows.Count,
            tokens,
            _records.Sum(record => (long)record.LossMask.Count(trained => trained)),
            ((long)_rows.Count * options.ContextTokens) - tokens,
            _records.Count(record => record.Tokens.Count > options.ContextTokens));
        RecordCounts = _records.CountBy(record => record.Domain).OrderBy(pair => pair.Key).ToDictionary();
        Digest = DigestOf(_records);
        LayoutDigest = DigestOfLayout();
    }

    /// <summary>How well the records filled the rows.</summary>
    public PackingStatistics Statistics { get; }

    /// <summary>Number of records of each domain present.</summary>
    public IReadOnlyDictionary<DataDomain, int> RecordCounts { get; }

    /// <summary>SHA-256 of all records' tokens, loss masks and domains in the order given, in lower-case hexadecimal digits.</summary>
    public string Digest { get; }

    /// <summary>SHA-256 of <see cref="Digest"/>, the row length, the reasoning spans and what lies where in each row: what is computed for the rows can be kept under it.</summary>
    public string LayoutDigest { get; }

    /// <summary>Number of rows.</summary>
    public int RowCount => _rows.Count;

    /// <summary>Tokens in a row.</summary>
    public int ContextTokens => _options.ContextTokens;

    /// <summary>Rows in every batch but perhaps the last.</summary>
    public int RowsPerBatch => Math.Max(1, _options.BatchTokens / _options.ContextTokens);

    /// <summary>Batches in an epoch, the same in all of them.</summary>
    public int BatchesPerEpoch => (_rows.Count + RowsPerBatch - 1) / RowsPerBatch;

    /// <summary>The batches of an epoch from a place on. The caller disposes of each.</summary>
    /// <param name="epoch">Epoch, from 0.</param>
    /// <param name="startBatch">First batch to serve, from 0 to <see cref="BatchesPerEpoch"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">The epoch is negative or the batch lies outside it.</exception>
    public IEnumerable<TokenBatch> Batches(int epoch, int startBatch = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(epoch);
        ArgumentOutOfRangeException.ThrowIfNegative(startBatch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(startBatch, BatchesPerEpoch);
        return Serve(epoch, startBatch);
    }

    /// <summary>Some of the rows, in the order in which they are numbered. The caller disposes of the batch.</summary>
    /// <param name="first">First row.</param>
    /// <param name="count">Number of rows; at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are no such rows.</exception>
    public TokenBatch Rows(int first, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, RowCount - first);
        return Build([.. Enumerable.Range(first, count)]);
    }

    private IEnumerable<TokenBatch> Serve(int epoch, int startBatch)
    {
        int[] order = Order(_rows.Count, epoch);
        for (int batch = startBatch; batch < BatchesPerEpoch; batch++)
        {
            int first = batch * RowsPerBatch;
            yield return Build(order.AsSpan(first, Math.Min(RowsPerBatch, order.Length - first)));
        }
    }

    private int[] Order(int count, long stream)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        if (_options.Shuffle)
        {
            SplitMix64.ForStream(_options.Seed, stream).Shuffle(order.AsSpan());
        }

        return order;
    }

    private TokenBatch Build(ReadOnlySpan<int> rows)
    {
        int context = _options.ContextTokens;
        long[] inputs = new long[rows.Length * context];
        long[] targets = new long[inputs.Length];
        float[] lossMask = new float[inputs.Length];
        Array.Fill(inputs, _options.PaddingId);
        Array.Fill(targets, _options.PaddingId);
        List<BatchSpan> spans = [];
        int recordInBatch = 0;
        int tokenCount = 0;
        for (int row = 0; row < rows.Length; row++)
        {
            int column = 0;
            foreach (RowPiece piece in _rows[rows[row]])
            {
                TokenizedRecord record = _records[piece.Record];
                int place = (row * context) + column;
                for (int offset = 0; offset < piece.Length; offset++)
                {
                    int token = piece.Start + offset;
                    inputs[place + offset] = record.Tokens[token];

                    // The last token of a record has no target of its own; its place stays masked.
                    if (token + 1 < record.Tokens.Count)
                    {
                        targets[place + offset] = record.Tokens[token + 1];
                        lossMask[place + offset] = record.LossMask[token + 1] ? 1 : 0;
                    }
                }

                foreach (ReasoningSpan span in record.Spans)
                {
                    spans.Add(new BatchSpan(row, recordInBatch, span with { Start = span.Start - piece.Start + column }));
                }

                recordInBatch++;
                column += piece.Length;
                tokenCount += piece.Length;
            }
        }

        long[] shape = [rows.Length, context];
        return new TokenBatch(tensor(inputs, shape), tensor(targets, shape), tensor(lossMask, shape), spans, tokenCount) { DatasetRows = rows.ToArray() };
    }

    private string DigestOfLayout()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Convert.FromHexString(Digest));
        Append(_options.ContextTokens);
        foreach (TokenizedRecord record in _records)
        {
            Append(record.Spans.Count);
            foreach (ReasoningSpan span in record.Spans)
                Append(span.Start, span.Length, (int)span.Kind);
        }

        foreach (List<RowPiece> row in _rows)
        {
            Append(row.Count);
            foreach (RowPiece piece in row)
                Append(piece.Record, piece.Start, piece.Length);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Append(params ReadOnlySpan<int> numbers)
        {
            Span<byte> bytes = stackalloc byte[sizeof(int)];
            foreach (int number in numbers)
            {
                BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
                hash.AppendData(bytes);
            }
        }
    }

    private static string DigestOf(TokenizedRecord[] records)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (TokenizedRecord record in records)
        {
            byte[] bytes = new byte[8 + (5 * record.Tokens.Count)];
            BinaryPrimitives.WriteInt32LittleEndian(bytes, record.Tokens.Count);
            BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), (int)record.Domain);
            for (int token = 0; token < record.Tokens.Count; token++)
            {
                Span<byte> entry = bytes.AsSpan(8 + (5 * token), 5);
                BinaryPrimitives.WriteInt32LittleEndian(entry, record.Tokens[token]);
                entry[4] = record.LossMask[token] ? (byte)1 : (byte)0;
            }

            hash.AppendData(bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
