namespace Pique.Formats;

/// <summary>Text to token ids and back, as the checkpoint's own tokenizer defines it.</summary>
public interface ITextTokenizer
{
    /// <summary>Number of token ids.</summary>
    int VocabularySize { get; }

    /// <summary>Id that opens a sequence, or null where the tokenizer has none.</summary>
    int? BeginOfTextId { get; }

    /// <summary>Id that ends a sequence, or null where the tokenizer has none.</summary>
    int? EndOfTextId { get; }

    /// <summary>Id that stands for what the vocabulary cannot express, or null where every text can be expressed.</summary>
    int? UnknownId { get; }

    /// <summary>Encodes a text. Neither <see cref="BeginOfTextId"/> nor <see cref="EndOfTextId"/> is added.</summary>
    /// <param name="text">Any text. Special tokens written out in it are not recognised as such.</param>
    /// <param name="continuation">True where the text continues earlier text, so that no dummy prefix space is put before it.</param>
    /// <returns>Token ids.</returns>
    IReadOnlyList<int> Encode(string text, bool continuation = false);

    /// <summary>Decodes ids to text. Special tokens are left out.</summary>
    /// <param name="tokenIds">Token ids.</param>
    /// <param name="continuation">True where earlier text precedes, so that a leading dummy prefix space is kept.</param>
    string Decode(IReadOnlyList<int> tokenIds, bool continuation = false);
}
