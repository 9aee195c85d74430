using Pique.Calibration;
using Pique.Data;
using Pique.Tests.Data;

namespace Pique.Tests.Calibration.Checks;

public sealed class SampleCheckTests
{
    [Fact]
    public void Different_records_raise_nothing() => Assert.Empty(Check(Enumerable.Range(0, 20).Select(number => $"Record number {number}.")));

    [Fact]
    public void One_repeated_record_is_refused_by_name()
    {
        CalibrationFinding finding = Assert.Single(Check([.. Enumerable.Repeat("The same again.", 6), "Another.", "And another."]));
        Assert.True(finding.IsFatal);
        Assert.Equal(
            "a.txt:1: found the record 6 times among 8 calibration samples (a.txt:1 again as a.txt:2), expected no record to make up more than half of them; remove the copies, or choose other data.",
            finding.Message);
    }

    [Fact]
    public void Some_copies_are_a_warning_that_names_one()
    {
        CalibrationFinding finding = Assert.Single(Check(["First.", "Second.", "First.", "Third.", "First.", "Fourth."]));
        Assert.False(finding.IsFatal);
        Assert.Equal(
            "calibration samples: 2 of 6 are copies of others (a.txt:1 again as a.txt:3, 3 times in all); statistics lean towards them. Remove the copies.",
            finding.Message);
    }

    [Fact]
    public void A_record_of_one_token_is_a_warning_and_nothing_else_is_refused()
    {
        CalibrationFinding warning = Assert.Single(Check(["aaaaaaaaaaaa", "Words."]));
        Assert.False(warning.IsFatal);
        Assert.Equal("a.txt:1: the record repeats a single token; such records say nothing about the model's inputs. Remove them.", warning.Message);

        CalibrationFinding fatal = Assert.Single(Check(["aaaaaaaaaaaa", "bbbbbbbbbbbb"]));
        Assert.True(fatal.IsFatal);
        Assert.Equal("a.txt:1: this and 1 more records repeat a single token, and no other record is left to calibrate on; choose other data.", fatal.Message);
        InputException refused = Assert.Throws<InputException>(() => CalibrationFinding.ThrowIfFatal([warning, fatal]));
        Assert.Equal(fatal.Message, refused.Message);
    }

    private static IReadOnlyList<CalibrationFinding> Check(IEnumerable<string> texts)
    {
        SourcedRecord[] records = [.. texts.Select((text, index) => new SourcedRecord(new DataRecord.Text(text), $"a.txt:{index + 1}"))];
        return SampleCheck.Check(records, new RecordTokenizer(new ByteTokenizer(), 100).Tokenize(records));
    }
}
