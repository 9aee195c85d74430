namespace Pique.Formats.Tokenizers;

/// <summary>A trained byte-level vocabulary: special tokens, then the 256 byte characters, then one token for each merge.</summary>
/// <param name="SpecialTokens">Special tokens; the first is id 0.</param>
/// <param name="Merges">Pairs of tokens in the byte alphabet, first merged first.</param>
/// <param name="Tokens">All tokens; the index is the id.</param>
public sealed record BytePairVocabulary(
    IReadOnlyList<string> SpecialTokens,
    IReadOnlyList<(string Left, string Right)> Merges,
    IReadOnlyList<string> Tokens)
{
    /// <summary>Special token that opens a text, id 0.</summary>
    public const string BeginOfText = "<|bos|>";

    /// <summary>Special token that ends a text, id 1.</summary>
    public const string EndOfText = "<|eos|>";

    /// <summary>Special token that fills short rows of a batch, id 2.</summary>
    public const string Padding = "<|pad|>";
}
