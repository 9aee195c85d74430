using System.Globalization;
using System.Text;

namespace Pique.Formats.Tokenizers;

/// <summary>A character that a vocabulary cannot express.</summary>
/// <param name="Character">The character.</param>
/// <param name="Index">Index of its first occurrence in the text, in UTF-16 units.</param>
public sealed record UnknownCharacter(string Character, int Index)
{
    /// <summary>Its code point, such as <c>U+00E9</c>.</summary>
    public string CodePoint
    {
        get
        {
            Rune.DecodeFromUtf16(Character, out Rune rune, out _);
            return $"U+{rune.Value:X4}";
        }
    }

    /// <summary>The character as it can be shown, its code point and its place.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"'{(char.IsControl(Character[0]) ? " " : Character)}' ({CodePoint}) at index {Index}");

    internal static InputException Error(string text, Rune character, Exception cause)
    {
        int index = text.IndexOf(character.ToString(), StringComparison.Ordinal);
        UnknownCharacter unknown = new(character.ToString(), Math.Max(index, 0));
        return new InputException($"text: the vocabulary has no token for {unknown}, and no unknown token; remove or replace the character.", cause);
    }
}
