using Pique.Formats.Tokenizers.Unicode;

namespace Pique.Formats.Tokenizers;

/// <summary>Normalizer <c>NFC</c>: composes characters.</summary>
internal sealed class ComposingNormalizer : ITextNormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text, bool continuation) => CanonicalComposition.Compose(text);
}
