using Pique.Calibration;
using Pique.Configuration;
using Pique.Data;
using Pique.Tests.Data;

namespace Pique.Tests.Calibration;

public sealed class CalibrationSamplesTests
{
    private static readonly ByteTokenizer Tokenizer = new();

    [Fact]
    public void Every_domain_gives_as_many_as_asked_for_in_the_order_of_the_data()
    {
        SourcedRecord[] records = Records(40, 30, 20, 10);
        CalibrationSamples samples = Select(records, new() { General = 5, Reasoning = 4, ToolUse = 3, Code = 2 });

        Assert.Equal(
            new Dictionary<DataDomain, int> { [DataDomain.General] = 5, [DataDomain.Reasoning] = 4, [DataDomain.ToolUse] = 3, [DataDomain.Code] = 2 },
            samples.Counts);
        int[] places = [.. samples.Records.Select(record => Array.IndexOf(records, record))];
        Assert.Equal(places.Order(), places);
        Assert.Equal(samples.Records.Count, samples.Tokenized.Count);
    }

    [Fact]
    public void Without_counts_every_domain_present_gives_up_to_the_usual_number()
    {
        CalibrationSamples samples = Select(Records(300, 3, 0, 0), null);
        Assert.Equal(new Dictionary<DataDomain, int> { [DataDomain.General] = CalibrationRecipe.DefaultSamplesPerDomain, [DataDomain.Reasoning] = 3 }, samples.Counts);
    }

    [Fact]
    public void The_seed_decides_and_a_domain_does_not_look_at_the_others()
    {
        CalibrationSampleCounts counts = new() { General = 8 };
        string[] Chosen(SourcedRecord[] records, long seed) => [.. CalibrationSamples.Select(records, new() { Samples = counts }, seed, Tokenizer, 64).Records.Select(record => record.Origin)];

        Assert.Equal(Chosen(Records(40, 0, 0, 0), 1), Chosen(Records(40, 0, 0, 0), 1));
        Assert.NotEqual(Chosen(Records(40, 0, 0, 0), 1), Chosen(Records(40, 0, 0, 0), 2));
        Assert.Equal(Chosen(Records(40, 0, 0, 0), 1), Chosen(Records(40, 9, 0, 5), 1));
    }

    [Theory]
    [InlineData("code", "Add a file with \"domain\": \"code\", or lower the count.")]
    [InlineData("tool_use", "Add a file with \"domain\": \"tool_use\", or more records of the curriculum, or lower the count.")]
    public void A_domain_that_has_too_few_is_named(string domain, string advice)
    {
        CalibrationSampleCounts counts = domain == "code" ? new() { Code = 2 } : new() { ToolUse = 2 };
        InputException failure = Assert.Throws<InputException>(() => Select(Records(3, 3, 1, 1), counts));
        Assert.Equal($"calibration.samples.{domain}: found 1 records of this domain in the training data, expected 2. {advice}", failure.Message);
    }

    [Fact]
    public void Rows_to_measure_on_share_no_content_with_the_samples()
    {
        SourcedRecord[] records = Records(20, 0, 0, 0);
        SourcedRecord[] twice = [.. records, .. records.Select(record => record with { Origin = record.Origin + " again" })];
        CalibrationSamples samples = Select(twice, new() { General = 10 });
        HashSet<DataRecord> known = [.. samples.Records.Select(record => record.Record)];

        PackedDataset apart = samples.Apart(twice, seed: 0, Tokenizer)!;

        Assert.Equal(2 * records.Count(record => !known.Contains(record.Record)), apart.Statistics.Records);
        Assert.Null(Select(records, new() { General = 20 }).Apart(records, 0, Tokenizer));
    }

    private static CalibrationSamples Select(SourcedRecord[] records, CalibrationSampleCounts? counts) =>
        CalibrationSamples.Select(records, new() { Samples = counts }, seed: 0, Tokenizer, contextTokens: 64);

    private static SourcedRecord[] Records(int general, int reasoning, int toolUse, int code) =>
    [
        .. Enumerable.Range(0, general).Select(number => new SourcedRecord(new DataRecord.Text($"Text {number}."), $"a.txt:{number}")),
        .. Enumerable.Range(0, reasoning).Select(number => new SourcedRecord(new DataRecord.Reasoning($"{number}+1", [$"{number}+1={number + 1}"], $"{number + 1}"), $"r:{number}")),
        .. Enumerable.Range(0, toolUse).Select(number => new SourcedRecord(new DataRecord.ToolCall($"Go {number}.", $"{{\"name\":\"go\",\"arguments\":{{\"n\":{number}}}}}"), $"t:{number}")),
        .. Enumerable.Range(0, code).Select(number => new SourcedRecord(new DataRecord.Text($"int x{number};", DataDomain.Code), $"c.txt:{number}")),
    ];
}
