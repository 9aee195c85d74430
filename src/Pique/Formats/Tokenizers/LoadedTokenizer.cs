namespace Pique.Formats.Tokenizers;

/// <summary>A tokenizer and the files it was read from.</summary>
/// <param name="Tokenizer">The tokenizer.</param>
/// <param name="SourceFiles">The vocabulary and the files beside it that name special tokens: copy them to give a saved model the same tokenizer.</param>
public sealed record LoadedTokenizer(ITextTokenizer Tokenizer, IReadOnlyList<string> SourceFiles);
