using System.Text;

namespace Pique.Formats.Tokenizers;

/// <summary>Pre-tokenizer <c>Digits</c>: parts numerals (Unicode category N) from the text around them.</summary>
/// <param name="individual">True where each numeral is a piece, false where a run of them is.</param>
internal sealed class DigitSplitter(bool individual) : ITextSplitter
{
    /// <inheritdoc/>
    public IEnumerable<string> Split(string piece, PiecePosition position)
    {
        int start = 0;
        bool inNumber = false;
        for (int i = 0; i < piece.Length;)
        {
            Rune.DecodeFromUtf16(piece.AsSpan(i), out Rune rune, out int length);
            bool isNumber = Rune.IsNumber(rune);
            if (i > start && (isNumber != inNumber || (isNumber && individual)))
            {
                yield return piece[start..i];
                start = i;
            }
            inNumber = isNumber;
            i += length;
        }
        if (start < piece.Length)
            yield return piece[start..];
    }
}
