using System.Globalization;
using System.Text;

namespace Pique.Formats;

/// <summary>Names that come from a file nobody vouches for, made fit for a message: short, on one line, without characters that a terminal obeys.</summary>
internal static class MessageText
{
    private const int LongestName = 120;
    private const int LongestList = 20;

    /// <summary>A name: what is no visible character as \uXXXX, and a long one by its beginning.</summary>
    /// <param name="name">Any text.</param>
    public static string Name(string name)
    {
        if (name.Length <= LongestName && !name.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            return name;
        StringBuilder shown = new();
        foreach (char letter in name.AsSpan(0, Math.Min(name.Length, LongestName)))
        {
            if (IsVisible(letter))
                shown.Append(letter);
            else
                shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:X4}");
        }

        return name.Length <= LongestName ? shown.ToString() : shown.Append(CultureInfo.InvariantCulture, $"… ({name.Length} characters)").ToString();
    }

    /// <summary>Names parted by commas, the first of them where there are many.</summary>
    /// <param name="names">Any texts.</param>
    public static string List(IReadOnlyCollection<string> names) => First([.. names.Take(LongestList).Select(Name)], names.Count);

    /// <summary>Texts of our own parted by commas, the first of them where there are many.</summary>
    /// <param name="texts">Texts fit for a message.</param>
    public static string Join(IReadOnlyCollection<string> texts) => First([.. texts.Take(LongestList)], texts.Count);

    private static string First(IReadOnlyList<string> first, int count) => count <= first.Count
        ? string.Join(", ", first)
        : string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", first)} and {count - first.Count} more");

    /// <summary>Halves of surrogate pairs count as invisible, so that a cut between them leaves no half.</summary>
    private static bool IsVisible(char letter) => char.GetUnicodeCategory(letter) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
