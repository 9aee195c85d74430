using System.Text.RegularExpressions;

namespace Pique.Formats.Tokenizers;

/// <summary>Normalizer <c>Replace</c>: puts fixed text in the place of every match.</summary>
internal sealed class ReplaceNormalizer(Regex pattern, string content) : ITextNormalizer
{
    /// <inheritdoc/>
    public string Normalize(string text, bool continuation) => pattern.Replace(text, _ => content);
}
