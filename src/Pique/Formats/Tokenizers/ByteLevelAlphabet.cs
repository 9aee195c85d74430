using System.Text;

namespace Pique.Formats.Tokenizers;

/// <summary>
/// The 256 printable characters that byte-level tokenizers write for the 256 bytes: bytes that print stand for
/// themselves, the other 68 take U+0100 and up in order.
/// </summary>
/// <remarks>GPT-2, Radford et al. 2019, section 2.2.</remarks>
internal static class ByteLevelAlphabet
{
    /// <summary>First character for bytes that do not print.</summary>
    private const char FirstStandIn = 'Ā';

    private static readonly char[] CharacterOfByte = BuildCharacters();

    private static readonly int[] ByteOfCharacter = BuildBytes();

    /// <summary>The 256 characters by rising code point, the order in which they get their ids.</summary>
    public static IReadOnlyList<char> Characters { get; } = [.. CharacterOfByte.Order()];

    /// <summary>The character of a byte.</summary>
    public static char ToCharacter(byte value) => CharacterOfByte[value];

    /// <summary>Writes a text's UTF-8 bytes in the alphabet. A lone surrogate becomes the bytes of U+FFFD.</summary>
    public static string Transform(string text) =>
        string.Create(Encoding.UTF8.GetByteCount(text), text, static (characters, source) =>
        {
            byte[] bytes = Encoding.UTF8.GetBytes(source);
            for (int i = 0; i < bytes.Length; i++)
                characters[i] = CharacterOfByte[bytes[i]];
        });

    /// <summary>Reads a piece written in the alphabet.</summary>
    /// <returns>Its bytes, or null where a character is none of the 256.</returns>
    public static byte[]? TryToBytes(string piece)
    {
        byte[] bytes = new byte[piece.Length];
        for (int i = 0; i < piece.Length; i++)
        {
            int value = piece[i] < ByteOfCharacter.Length ? ByteOfCharacter[piece[i]] : -1;
            if (value < 0)
                return null;
            bytes[i] = (byte)value;
        }
        return bytes;
    }

    private static char[] BuildCharacters()
    {
        char[] characters = new char[256];
        char next = FirstStandIn;
        for (int value = 0; value < characters.Length; value++)
            characters[value] = value is (>= '!' and <= '~') or (>= '¡' and <= '¬') or (>= '®' and <= 'ÿ') ? (char)value : next++;
        return characters;
    }

    private static int[] BuildBytes()
    {
        int[] bytes = new int[CharacterOfByte.Max() + 1];
        Array.Fill(bytes, -1);
        for (int value = 0; value < CharacterOfByte.Length; value++)
            bytes[CharacterOfByte[value]] = value;
        return bytes;
    }
}
