namespace Pique.Formats.Tokenizers;

/// <summary>Normalizer <c>Prepend</c>: puts a prefix before a text that opens a sequence.</summary>
internal sealed class PrependNormalizer(string prefix) : ITextNormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text, bool continuation) => continuation || text.Length == 0 ? text : prefix + text;
}
