using System.Globalization;

namespace Pique.Formats.Verification;

/// <summary>What verification found of a file or folder.</summary>
/// <param name="Path">What was verified.</param>
/// <param name="Kind">What it is, for example "packed model".</param>
/// <param name="Items">Every part, in the order of the files.</param>
public sealed record VerificationReport(string Path, string Kind, IReadOnlyList<VerificationItem> Items)
{
    /// <summary>Whether nothing is wrong.</summary>
    public bool IsSound => !Items.Any(item => item.IsBad);

    /// <summary>The finding in one line.</summary>
    public string Summary
    {
        get
        {
            int bad = Items.Count(item => item.IsBad);
            int unknown = Items.Count(item => item.Status == VerificationStatus.NoDigest);
            return bad > 0 ? Text($"{bad} of {Items.Count} parts bad")
                : unknown == 0 ? Text($"ok: {Items.Count} of {Items.Count} parts as they were written")
                : unknown == Items.Count ? "structure ok, no digests recorded"
                : Text($"ok: {Items.Count - unknown} of {Items.Count} parts as they were written, structure ok, no digests recorded for the others");
        }
    }

    /// <summary>Names what is wrong; null where nothing is.</summary>
    public string? Fault => IsSound ? null : $"{Path}: {Summary}: {MessageText.Join([.. Items.Where(item => item.IsBad).Select(Describe)])}; fetch or write it again";

    private static string Describe(VerificationItem item) => $"{MessageText.Name(item.File)}: {MessageText.Name(item.Name)} ({item.Detail})";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
