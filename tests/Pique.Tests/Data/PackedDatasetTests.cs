using Pique.Configuration;
using Pique.Data;
using Pique.Numerics;

namespace Pique.Tests.Data;

public sealed class PackedDatasetTests
{
    private const int Padding = 7;
    private const int Context = 16;
    private static readonly PackingOptions Options = new(Context, BatchTokens: 3 * Context, Seed: 4, PaddingId: Padding);

    [Fact]
    public void Every_trained_token_is_predicted_exactly_once_from_the_token_before_it()
    {
        TokenizedRecord[] records = SomeRecords(100);
        PackedDataset dataset = new(records, Options);
        for (int epoch = 0; epoch < 2; epoch++)
        {
            Assert.Equal(Transitions(records), Transitions(dataset, epoch));
        }
    }

    [Fact]
    public void Records_that_fit_are_whole_and_rows_hold_nothing_else()
    {
        TokenizedRecord[] records = [.. SomeRecords(60).Where(record => record.Tokens.Count <= Context)];
        PackedDataset dataset = new(records, Options);
        List<int[]> found = [];
        foreach ((int[] inputs, int tokens) in Rows(dataset, 0))
        {
            // Every record opens with a token of its own number (1000 and up), all its other tokens are below that.
            int[] starts = [.. Enumerable.Range(0, tokens).Where(place => inputs[place] >= 1000), tokens];
            Assert.Equal(0, starts[0]);
            found.AddRange(starts.Zip(starts.Skip(1)).Select(range => inputs[range.First..range.Second]));
            Assert.All(inputs[tokens..], token => Assert.Equal(Padding, token));
        }

        Assert.Equal(
            records.Select(record => string.Join(' ', record.Tokens)).Order(),
            found.Select(tokens => string.Join(' ', tokens)).Order());
    }

    [Fact]
    public void Long_text_runs_on_from_window_to_window()
    {
        int[] tokens = [.. Enumerable.Range(100, 40)];
        TokenizedRecord text = new(tokens, [false, .. Enumerable.Repeat(true, 39)], [], DataDomain.General, "a.txt:1", MayBeCut: true);
        PackedDataset dataset = new([text], Options with { Shuffle = false });
        using TokenBatch batch = dataset.Batches(0).Single();
        Assert.Equal([3, Context], batch.Inputs.shape);
        Assert.Equal(40, batch.TokenCount);
        long[] expected = [.. tokens.Select(token => (long)token), .. Enumerable.Repeat((long)Padding, 8)];
        Assert.Equal(expected, batch.Inputs.data<long>().ToArray());
        Assert.Equal([.. expected[1..40], .. Enumerable.Repeat((long)Padding, 9)], batch.Targets.data<long>().ToArray());
        Assert.Equal([.. Enumerable.Repeat(1f, 39), .. Enumerable.Repeat(0f, 9)], batch.LossMask.data<float>().ToArray());
        Assert.Equal(new PackingStatistics(1, 3, 40, 39, 8, 1), dataset.Statistics);
        Assert.Equal(8 / 48.0, dataset.Statistics.PaddingShare);
    }

    [Fact]
    public void Spans_point_at_their_tokens_inside_the_batch()
    {
        RecordTokenizer tokenizer = new(new ByteTokenizer(), 64);
        SourcedRecord[] problems = [.. Enumerable.Range(0, 20).Select(number => new SourcedRecord(
            new DataRecord.Reasoning($"{number}?", [$"{number} + 1 = {number + 1}.", "So."], $"{number + 1}"), "p"))];
        PackedDataset dataset = new(tokenizer.Tokenize(problems), new PackingOptions(64, 256));
        HashSet<string> answers = [];
        foreach (TokenBatch batch in dataset.Batches(3))
        {
            using (batch)
            {
                long[] inputs = batch.Inputs.data<long>().ToArray();
                foreach (IGrouping<int, BatchSpan> chain in batch.Spans.GroupBy(span => span.Record))
                {
                    Assert.Single(chain.Select(span => span.Row).Distinct());
                    string[] texts = [.. chain.Select(span => new ByteTokenizer().Decode(
                        [.. inputs.Skip((span.Row * 64) + span.Span.Start).Take(span.Span.Length).Select(id => (int)id)]))];
                    Assert.Equal(
                        [ReasoningSpanKind.Calculation, ReasoningSpanKind.Conclusion, ReasoningSpanKind.Answer],
                        chain.Select(span => span.Span.Kind));
                    Assert.EndsWith($"={texts[2]}.\n", texts[0], StringComparison.Ordinal);
                    Assert.Equal("So.\n", texts[1]);
                    answers.Add(texts[2]);
                }

                Assert.Equal(batch.Spans.Select(span => span.Record), batch.Spans.Select(span => span.Record).Order());
            }
        }

        Assert.Equal(20, answers.Count);
    }

    [Fact]
    public void Epochs_are_as_long_as_one_another_and_in_different_orders()
    {
        PackedDataset dataset = new(SomeRecords(100), Options);
        string[] first = [.. Prints(dataset, 0)];
        Assert.Equal(dataset.BatchesPerEpoch, first.Length);
        Assert.Equal(dataset.BatchesPerEpoch, Prints(dataset, 1).Count);
        Assert.NotEqual(first, Prints(dataset, 1));
        Assert.Equal(first, Prints(new PackedDataset(SomeRecords(100), Options), 0));
        Assert.NotEqual(first, Prints(new PackedDataset(SomeRecords(100), Options with { Seed = 5 }), 0));
    }

    [Fact]
    public void An_epoch_resumes_at_any_batch()
    {
        PackedDataset dataset = new(SomeRecords(100), Options);
        string[] all = [.. Prints(dataset, 2)];
        for (int start = 0; start <= all.Length; start++)
        {
            Assert.Equal(all[start..], Prints(dataset, 2, start));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => dataset.Batches(2, all.Length + 1));
    }

    [Fact]
    public void Batches_have_the_rows_that_their_tokens_allow_and_at_least_one()
    {
        PackedDataset dataset = new(SomeRecords(100), Options);
        Assert.Equal(3, dataset.RowsPerBatch);
        Assert.Equal(1, new PackedDataset(SomeRecords(9), Options with { BatchTokens = 5 }).RowsPerBatch);
        long[] rows = [.. Shapes(dataset)];
        Assert.All(rows[..^1], count => Assert.Equal(3, count));
        Assert.Equal(dataset.Statistics.Rows, rows.Sum());
    }

    [Fact]
    public void Curriculum_records_leave_little_padding()
    {
        RecordTokenizer tokenizer = new(new ByteTokenizer(), 1024);
        IEnumerable<SourcedRecord> records = SourcedRecord.FromSequence(Curriculum.Train(new CurriculumOptions(200, 200, 200)), "curriculum");
        PackedDataset dataset = new(tokenizer.Tokenize(records), new PackingOptions(1024, 4096));
        Assert.InRange(dataset.Statistics.PaddingShare, 0, 0.05);
        Assert.Equal(600, dataset.Statistics.Records);
        Assert.Equal(
            [(DataDomain.General, 200), (DataDomain.Reasoning, 200), (DataDomain.ToolUse, 200)],
            dataset.RecordCounts.Select(pair => (pair.Key, pair.Value)));
    }

    [Fact]
    public void Rows_are_numbered_the_same_in_every_epoch()
    {
        PackedDataset dataset = new(SomeRecords(50), Options);
        using TokenBatch all = dataset.Rows(0, dataset.RowCount);
        Assert.Equal(Enumerable.Range(0, dataset.RowCount), all.DatasetRows);
        for (int epoch = 0; epoch < 2; epoch++)
        {
            List<int> seen = [];
            foreach (TokenBatch batch in dataset.Batches(epoch))
            {
                using (batch)
                {
                    seen.AddRange(batch.DatasetRows);
                    for (int row = 0; row < batch.DatasetRows.Count; row++)
                        Assert.Equal(all.Inputs[batch.DatasetRows[row]].data<long>().ToArray(), batch.Inputs[row].data<long>().ToArray());
                }
            }

            Assert.Equal(Enumerable.Range(0, dataset.RowCount), seen.Order());
            Assert.NotEqual(seen.Order(), seen);
        }
    }

    [Fact]
    public void The_layout_digest_covers_what_lies_where()
    {
        TokenizedRecord[] records = SomeRecords(50);
        string digest = new PackedDataset(records, Options).LayoutDigest;
        Assert.Equal(digest, new PackedDataset(records, Options with { BatchTokens = Context }).LayoutDigest);
        string[] others =
        [
            new PackedDataset(records, Options with { Seed = 99 }).LayoutDigest,
            new PackedDataset(records, Options with { Shuffle = false }).LayoutDigest,
            new PackedDataset(records, Options with { ContextTokens = Context + 1 }).LayoutDigest,
            new PackedDataset([.. records[1..], records[0] with { Spans = [new(1, 1, ReasoningSpanKind.Step)] }], Options).LayoutDigest,
            new PackedDataset([records[0] with { Spans = [new(1, 1, ReasoningSpanKind.Step)] }, .. records[1..]], Options).LayoutDigest,
        ];
        Assert.Equal(others.Length + 1, others.Append(digest).Distinct().Count());
    }

    [Fact]
    public void The_digest_changes_with_any_token_mask_or_domain_and_with_nothing_else()
    {
        TokenizedRecord record = new([1, 2, 3], [false, true, true], [], DataDomain.General);
        string digest = new PackedDataset([record, record], Options).Digest;
        Assert.Equal(digest, new PackedDataset([record, record], Options with { Seed = 99 }).Digest);
        string[] others = [.. ((TokenizedRecord[])
        [
            record with { Tokens = [1, 2, 4] },
            record with { LossMask = [false, true, false] },
            record with { Domain = DataDomain.Code },
        ]).Select(changed => new PackedDataset([record, changed], Options).Digest)];
        Assert.Equal(4, others.Append(digest).Distinct().Count());
    }

    [Fact]
    public void Nothing_to_train_on_and_records_too_long_are_refused()
    {
        Assert.Equal(
            "data: found 0 records and no token to train on, expected at least one; add records.",
            Assert.Throws<InputException>(() => new PackedDataset([], Options)).Message);
        TokenizedRecord call = new(new int[17], [.. Enumerable.Repeat(true, 17)], [], DataDomain.ToolUse, "t.jsonl:3");
        Assert.StartsWith(
            "t.jsonl:3: the record has 17 tokens, the context holds 16; ",
            Assert.Throws<InputException>(() => new PackedDataset([call], Options)).Message,
            StringComparison.Ordinal);
    }

    /// <summary>Records of 2 to 40 tokens; those longer than a row may be cut. Record i opens with token 1000 + i.</summary>
    private static TokenizedRecord[] SomeRecords(int count)
    {
        SplitMix64 random = new(11);
        return [.. Enumerable.Range(0, count).Select(number =>
        {
            int length = random.NextInt32(5) == 0 ? random.NextInRange(2, 40) : random.NextInRange(2, 12);
            int[] tokens = [1000 + number, .. Enumerable.Range(0, length - 1).Select(_ => random.NextInRange(10, 900))];
            bool[] mask = [false, .. Enumerable.Range(0, length - 1).Select(_ => random.NextInt32(4) > 0)];
            return new TokenizedRecord(tokens, mask, [], DataDomain.General, $"r:{number}", MayBeCut: true);
        })];
    }

    private static IEnumerable<(long Input, long Target)> Transitions(TokenizedRecord[] records) => records
        .SelectMany(record => Enumerable.Range(1, record.Tokens.Count - 1)
            .Where(place => record.LossMask[place])
            .Select(place => ((long)record.Tokens[place - 1], (long)record.Tokens[place])))
        .Order();

    private static IEnumerable<(long Input, long Target)> Transitions(PackedDataset dataset, int epoch)
    {
        List<(long, long)> transitions = [];
        foreach (TokenBatch batch in dataset.Batches(epoch))
        {
            using (batch)
            {
                long[] inputs = batch.Inputs.data<long>().ToArray();
                long[] targets = batch.Targets.data<long>().ToArray();
                float[] mask = batch.LossMask.data<float>().ToArray();
                transitions.AddRange(Enumerable.Range(0, inputs.Length).Where(place => mask[place] == 1).Select(place => (inputs[place], targets[place])));
            }
        }

        return transitions.Order();
    }

    private static List<(int[] Inputs, int Tokens)> Rows(PackedDataset dataset, int epoch)
    {
        List<(int[], int)> rows = [];
        foreach (TokenBatch batch in dataset.Batches(epoch))
        {
            using (batch)
            {
                int[][] inputs = [.. batch.Inputs.data<long>().ToArray().Select(id => (int)id).Chunk(Context)];
                int[] filled = [.. inputs.Select(row => Array.FindLastIndex(row, token => token != Padding) + 1)];
                Assert.Equal(batch.TokenCount, filled.Sum());
                rows.AddRange(inputs.Zip(filled));
            }
        }

        return rows;
    }

    private static List<string> Prints(PackedDataset dataset, int epoch, int startBatch = 0)
    {
        List<string> prints = [];
        foreach (TokenBatch batch in dataset.Batches(epoch, startBatch))
        {
            using (batch)
            {
                prints.Add(string.Join(' ', batch.Inputs.data<long>().ToArray()));
            }
        }

        return prints;
    }

    private static List<long> Shapes(PackedDataset dataset)
    {
        List<long> rows = [];
        foreach (TokenBatch batch in dataset.Batches(0))
        {
            using (batch)
            {
                rows.Add(batch.Inputs.shape[0]);
            }
        }

        return rows;
    }
}
