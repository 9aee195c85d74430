namespace Pique.Configuration;

/// <summary>The byte-level BPE tokenizer to train.</summary>
public sealed record TokenizerRecipe
{
    /// <summary>Tokens in all: special tokens, 256 bytes and merges.</summary>
    public int VocabularySize { get; init; } = 1024;
}
