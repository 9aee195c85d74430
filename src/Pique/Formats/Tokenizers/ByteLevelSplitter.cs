namespace Pique.Formats.Tokenizers;

/// <summary>Pre-tokenizer <c>ByteLevel</c>: cuts into words as GPT-2 does and writes each in the byte alphabet.</summary>
/// <param name="addPrefixSpace">True where a piece that does not open with a space is given one.</param>
/// <param name="splitWords">True where GPT-2's pattern cuts the piece, false where it stays whole.</param>
/// <remarks>GPT-2, Radford et al. 2019, section 2.2.</remarks>
internal sealed class ByteLevelSplitter(bool addPrefixSpace, bool splitWords) : ITextSplitter
{
    private static readonly PatternSplitter Words = new(
        Patterns.Gpt2Words(), SplitBehavior.Isolated, invert: false, where: "pre_tokenizer ByteLevel");

    /// <inheritdoc/>
    public IEnumerable<string> Split(string piece, PiecePosition position)
    {
        if (addPrefixSpace && position != PiecePosition.FirstOfContinuation && piece[0] != ' ')
            piece = ' ' + piece;
        if (!splitWords)
        {
            yield return ByteLevelAlphabet.Transform(piece);
            yield break;
        }
        foreach (string word in Words.Split(piece, position))
            yield return ByteLevelAlphabet.Transform(word);
    }
}
