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
        if (index < 0 && ByteLevelAlphabet.TryToBytes(character.ToString()) is [byte value])
            return ByteError(text, value, cause);
        UnknownCharacter unknown = new(character.ToString(), Math.Max(index, 0));
        return new InputException($"text: the vocabulary has no token for {unknown}, and no unknown token; remove or replace the character.", cause);
    }

    /// <summary>The error where a character was written in the byte alphabet and one of its bytes has no token.</summary>
    private static InputException ByteError(string text, byte value, Exception cause)
    {
        Span<byte> bytes = stackalloc byte[4];
        int index = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (bytes[..rune.EncodeToUtf8(bytes)].Contains(value))
                return new InputException($"text: the vocabulary has no token for byte 0x{value:X2} of {new UnknownCharacter(rune.ToString(), index)}, and no unknown token; remove or replace the character.", cause);
            index += rune.Utf16SequenceLength;
        }
        return new InputException($"text: the vocabulary has no token for byte 0x{value:X2}, and no unknown token; choose another tokenizer.", cause);
    }
}
