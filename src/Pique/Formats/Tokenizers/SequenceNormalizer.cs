namespace Pique.Formats.Tokenizers;

/// <summary>Normalizer <c>Sequence</c>: one after the other.</summary>
internal sealed class SequenceNormalizer(IReadOnlyList<ITextNormalizer> normalizers) : ITextNormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text, bool continuation) =>
        normalizers.Aggregate(text, (current, normalizer) => normalizer.Normalize(current, continuation));
}
