using System.Globalization;
using System.Text;

namespace Pique.Formats.Tokenizers;

/// <summary>Writes a text with one UTF-16 unit a character, so that patterns over Unicode categories see whole characters.</summary>
internal static class CategoryStandIns
{
    /// <summary>For each Unicode category the first character from U+0080 on that has it, or U+FFFD where none does.</summary>
    private static readonly char[] StandIns = BuildStandIns();

    /// <summary>True where a text holds characters of two UTF-16 units.</summary>
    public static bool Needed(string text) => text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF');

    /// <summary>Replaces characters beyond U+FFFF by one of their category.</summary>
    /// <param name="text">Text.</param>
    /// <param name="offsets">For each character of the result, and its end, the offset in <paramref name="text"/>.</param>
    public static string Replace(string text, out int[] offsets)
    {
        StringBuilder result = new(text.Length);
        List<int> starts = new(text.Length + 1);
        for (int i = 0; i < text.Length;)
        {
            Rune.DecodeFromUtf16(text.AsSpan(i), out Rune rune, out int length);
            starts.Add(i);
            result.Append(rune.IsBmp ? (char)rune.Value : StandIns[(int)Rune.GetUnicodeCategory(rune)]);
            i += length;
        }
        starts.Add(text.Length);
        offsets = [.. starts];
        return result.ToString();
    }

    private static char[] BuildStandIns()
    {
        char[] standIns = new char[(int)UnicodeCategory.OtherNotAssigned + 1];
        Array.Fill(standIns, '\uFFFD');
        // ASCII is left out: patterns name its characters one by one.
        for (char character = '\u0080'; character < '\uD800'; character++)
        {
            int category = (int)char.GetUnicodeCategory(character);
            if (standIns[category] == '\uFFFD')
                standIns[category] = character;
        }
        standIns[(int)UnicodeCategory.PrivateUse] = '\uE000';
        return standIns;
    }
}
