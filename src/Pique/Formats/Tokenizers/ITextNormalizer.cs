namespace Pique.Formats.Tokenizers;

/// <summary>A normalizer: changes the text before it is cut.</summary>
internal interface ITextNormalizer
{
    /// <summary>Normalizes a text.</summary>
    /// <param name="text">Text.</param>
    /// <param name="continuation">True where the text continues earlier text and gets no prefix.</param>
    string Normalize(string text, bool continuation);
}
