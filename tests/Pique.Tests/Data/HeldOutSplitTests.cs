using Pique.Data;

namespace Pique.Tests.Data;

public sealed class HeldOutSplitTests
{
    private static readonly SourcedRecord[] Records =
        [.. Enumerable.Range(0, 2000).Select(number => new SourcedRecord(new DataRecord.Text($"Text {number}"), $"a.jsonl:{number + 1}"))];

    [Fact]
    public void The_share_is_met_and_every_record_is_on_one_side()
    {
        HeldOutSplit split = HeldOutSplit.Divide(Records, 0.1);
        Assert.InRange(split.HeldOut.Count, 160, 240);
        Assert.Equal(Records, split.Train.Concat(split.HeldOut).OrderBy(record => Array.IndexOf(Records, record)));
    }

    [Fact]
    public void A_record_stays_on_its_side_whatever_is_reordered_or_added()
    {
        HeldOutSplit few = HeldOutSplit.Divide([.. Records.Take(500).Reverse()], 0.1);
        HeldOutSplit all = HeldOutSplit.Divide(Records, 0.1);
        Assert.Subset(all.HeldOut.ToHashSet(), few.HeldOut.ToHashSet());
        Assert.Subset(all.Train.ToHashSet(), few.Train.ToHashSet());
    }

    [Fact]
    public void A_larger_share_only_adds_to_what_is_held_out()
    {
        Assert.Subset(
            HeldOutSplit.Divide(Records, 0.3).HeldOut.ToHashSet(),
            HeldOutSplit.Divide(Records, 0.1).HeldOut.ToHashSet());
    }

    [Fact]
    public void Shares_zero_and_one_take_none_and_all()
    {
        Assert.Empty(HeldOutSplit.Divide(Records, 0).HeldOut);
        Assert.Empty(HeldOutSplit.Divide(Records, 1).Train);
    }

    [Fact]
    public void The_share_that_an_error_advises_works()
    {
        SourcedRecord[] few = Records[..5];
        InputException tooSmall = Assert.Throws<InputException>(() => HeldOutSplit.Divide(few, 0.0001));
        Assert.StartsWith("held_out_share: a share of 0.0001 of 5 records leaves none held out; use ", tooSmall.Message, StringComparison.Ordinal);
        Assert.NotEmpty(HeldOutSplit.Divide(few, Advised(tooSmall)).HeldOut);
        InputException tooLarge = Assert.Throws<InputException>(() => HeldOutSplit.Divide(few, 0.9999));
        Assert.StartsWith("held_out_share: a share of 0.9999 of 5 records leaves none to train on; use ", tooLarge.Message, StringComparison.Ordinal);
        Assert.NotEmpty(HeldOutSplit.Divide(few, Advised(tooLarge)).Train);

        static double Advised(InputException error) =>
            double.Parse(error.Message.Split("; use ")[1].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);
    }

    [Fact]
    public void Copies_of_one_record_cannot_be_divided()
    {
        InputException error = Assert.Throws<InputException>(() => HeldOutSplit.Divide([Records[0], Records[0]], 0.0001));
        Assert.Equal(
            "held_out_share: a share of 0.0001 of 2 records leaves none held out; give more than one distinct record (documents of a .txt file are separated by <|endoftext|> lines).",
            error.Message);
    }

    [Fact]
    public void Wrong_shares_and_no_records_are_refused()
    {
        Assert.Equal("held_out_share: found 1.5, expected 0 to 1.", Assert.Throws<InputException>(() => HeldOutSplit.Divide(Records, 1.5)).Message);
        Assert.Throws<InputException>(() => HeldOutSplit.Divide(Records, double.NaN));
        Assert.Equal(
            "data: found no record to divide into training and held-out data, expected at least one.",
            Assert.Throws<InputException>(() => HeldOutSplit.Divide([], 0.1)).Message);
    }

    [Fact]
    public void The_hash_tells_apart_where_one_text_ends_and_the_next_begins()
    {
        DataRecord[] records =
        [
            new DataRecord.Reasoning("ab", ["c"], "d"),
            new DataRecord.Reasoning("a", ["bc"], "d"),
            new DataRecord.Reasoning("ab", ["c", "d"], ""),
            new DataRecord.ToolCall("ab", "cd"),
            new DataRecord.Text("abcd"),
        ];
        Assert.Equal(records.Length, records.Select(record => Convert.ToHexString(HeldOutSplit.HashOf(record))).Distinct().Count());
    }
}
