namespace Pique.Formats.Tokenizers;

/// <summary>Pre-tokenizer <c>Metaspace</c>: writes spaces as a visible character and, if told so, cuts before each.</summary>
/// <param name="replacement">Stands for a space, usually U+2581.</param>
/// <param name="scheme">Where a missing leading space is put.</param>
/// <param name="split">True where each word is a piece, false where the text stays whole.</param>
internal sealed class MetaspaceSplitter(char replacement, PrefixScheme scheme, bool split) : ITextSplitter
{
    /// <inheritdoc/>
    public IEnumerable<string> Split(string piece, PiecePosition position)
    {
        string text = piece.Replace(' ', replacement);
        bool prefix = scheme switch
        {
            PrefixScheme.Always => position != PiecePosition.FirstOfContinuation,
            PrefixScheme.First => position == PiecePosition.First,
            _ => false,
        };
        if (prefix && text[0] != replacement)
            text = replacement + text;
        if (!split)
        {
            yield return text;
            yield break;
        }
        int start = 0;
        for (int next = text.IndexOf(replacement, 1); next >= 0; next = text.IndexOf(replacement, start + 1))
        {
            yield return text[start..next];
            start = next;
        }
        yield return text[start..];
    }
}
