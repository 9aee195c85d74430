namespace Pique.Formats.Tokenizers;

/// <summary>Pre-tokenizer <c>Sequence</c>: each splitter cuts the pieces that the one before it left.</summary>
internal sealed class SequenceSplitter(IReadOnlyList<ITextSplitter> splitters) : ITextSplitter
{
    /// <inheritdoc/>
    public IEnumerable<string> Split(string piece, PiecePosition position) => SplitFrom(0, piece, position);

    private IEnumerable<string> SplitFrom(int stage, string piece, PiecePosition position)
    {
        if (stage == splitters.Count)
        {
            yield return piece;
            yield break;
        }
        foreach (string part in splitters[stage].Split(piece, position))
        {
            foreach (string leaf in SplitFrom(stage + 1, part, position))
                yield return leaf;
            position = PiecePosition.Later;
        }
    }
}
