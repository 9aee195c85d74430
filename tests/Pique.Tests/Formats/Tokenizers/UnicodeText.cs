using System.Text;
using CsCheck;

namespace Pique.Tests.Formats.Tokenizers;

/// <summary>Random texts over all of Unicode, dense in white space, digits and characters beyond U+FFFF.</summary>
internal static class UnicodeText
{
    private const string WhiteSpace = "  \n\t\r\u00A0▁";

    private static readonly Gen<Rune> Character = Gen.Frequency(
        (6, Gen.Int[32, 126]),
        (3, Gen.Int[0, WhiteSpace.Length - 1].Select(index => (int)WhiteSpace[index])),
        (2, Gen.Int[0xA0, 0xD7FF]),
        (2, Gen.Int[0x10000, 0x10FFFF]),
        (1, Gen.Int[0, 31])).Select(value => new Rune(value));

    public static Gen<string> Generator { get; } = Character.Array[0, 60].Select(runes => string.Concat(runes));

    /// <summary>Such texts among which stand words, runs of spaces and what looks like special tokens.</summary>
    public static Gen<string> WithLookAlikes { get; } = Gen.Frequency(
        (3, Generator),
        (2, Gen.OneOf("<s>", "</s>", "<unk>", "<|bos|>", "<|eos|>", "<|pad|>", "<|endoftext|>", "<tool>", "<0x41>", "[PAD3]")),
        (2, Gen.OneOf("the and", ". the ", " 12 ", "aaaa", "don't", "I'VE", "Ünï", "e\u0301", "\u2028", "\u0085", "\0")),
        (1, Gen.Int[1, 9].Select(count => new string(' ', count))),
        (1, Gen.Int[1, 4].Select(count => new string('\n', count)))).Array[0, 8].Select(string.Concat);
}
