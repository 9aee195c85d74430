using System.Globalization;
using Pique.Data;

namespace Pique.Calibration;

/// <summary>Looks for records that spoil calibration: copies of one another, and the same token over and over.</summary>
public static class SampleCheck
{
    /// <summary>Share of the samples that are copies of an earlier one from which on a warning is due.</summary>
    public const double CopiesWorthWarning = 0.1;

    /// <summary>Share of the samples that one record may make up.</summary>
    public const double LargestShareOfOneRecord = 0.5;

    /// <summary>Tokens from which on a record of a single token counts as constant.</summary>
    public const int LeastConstantTokens = 8;

    /// <summary>Fewer samples than this are too few to speak of shares.</summary>
    private const int LeastSamples = 4;

    /// <summary>Checks samples.</summary>
    /// <param name="records">The records calibration looks at.</param>
    /// <param name="tokenized">The same as token ids.</param>
    /// <returns>Findings; none where the samples are in order.</returns>
    public static IReadOnlyList<CalibrationFinding> Check(IReadOnlyList<SourcedRecord> records, IEnumerable<TokenizedRecord> tokenized)
    {
        List<CalibrationFinding> findings = [];
        CheckCopies(records, findings);
        CheckConstants(records.Count, tokenized, findings);
        return findings;
    }

    private static void CheckCopies(IReadOnlyList<SourcedRecord> records, List<CalibrationFinding> findings)
    {
        if (records.Count < LeastSamples)
            return;
        List<SourcedRecord>[] groups = [.. records.GroupBy(record => Convert.ToHexString(HeldOutSplit.HashOf(record.Record))).Select(group => group.ToList())];
        List<SourcedRecord> largest = groups.MaxBy(group => group.Count)!;
        int copies = records.Count - groups.Length;
        string example = largest.Count > 1 ? $"{largest[0].Origin} again as {largest[1].Origin}" : "";
        if (largest.Count > LargestShareOfOneRecord * records.Count)
        {
            findings.Add(new(
                Text($"{largest[0].Origin}: found the record {largest.Count} times among {records.Count} calibration samples ({example}), expected no record to make up more than half of them; remove the copies, or choose other data."),
                IsFatal: true));
        }
        else if (copies > CopiesWorthWarning * records.Count)
        {
            findings.Add(new(
                Text($"calibration samples: {copies} of {records.Count} are copies of others ({example}, {largest.Count} times in all); statistics lean towards them. Remove the copies."),
                IsFatal: false));
        }
    }

    private static void CheckConstants(int recordCount, IEnumerable<TokenizedRecord> tokenized, List<CalibrationFinding> findings)
    {
        List<string> constant = [];
        foreach (TokenizedRecord record in tokenized)
        {
            // Begin and end token stand around the one that repeats.
            int[] inner = [.. record.Tokens.Skip(1).SkipLast(1)];
            if (inner.Length >= LeastConstantTokens && inner.AsSpan().IndexOfAnyExcept(inner[0]) < 0)
                constant.Add(record.Origin);
        }

        if (constant.Count == 0)
            return;
        bool isFatal = constant.Count == recordCount;
        string found = constant.Count == 1 ? "the record repeats" : Text($"this and {constant.Count - 1} more records repeat");
        findings.Add(new(
            isFatal
                ? $"{constant[0]}: {found} a single token, and no other record is left to calibrate on; choose other data."
                : $"{constant[0]}: {found} a single token; such records say nothing about the model's inputs. Remove them.",
            isFatal));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
