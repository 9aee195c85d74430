using System.Text;

namespace Pique.Formats.Tokenizers;

/// <summary>A tokenizer built from the components of a <c>tokenizer.json</c>: normalizer, pre-tokenizer, byte-pair model, decoder.</summary>
internal sealed class BytePairTokenizer : ITextTokenizer
{
    /// <summary>Normalizer, or null.</summary>
    public ITextNormalizer? Normalizer { get; init; }

    /// <summary>Pre-tokenizer, or null where merges may cross words.</summary>
    public ITextSplitter? Splitter { get; init; }

    /// <summary>Added tokens that are part of ordinary text, or null.</summary>
    public AddedTokens? AddedTokens { get; init; }

    /// <summary>The model.</summary>
    public required BytePairModel Model { get; init; }

    /// <summary>The decoder.</summary>
    public required TokenDecoder Decoder { get; init; }

    /// <inheritdoc/>
    public int VocabularySize => Decoder.VocabularySize;

    /// <inheritdoc/>
    public int? BeginOfTextId { get; init; }

    /// <inheritdoc/>
    public int? EndOfTextId { get; init; }

    /// <inheritdoc/>
    public int? UnknownId { get; init; }

    /// <inheritdoc/>
    /// <exception cref="InputException">A character has no token, and the vocabulary no unknown token.</exception>
    /// <remarks>Half a surrogate pair is encoded as U+FFFD.</remarks>
    public IReadOnlyList<int> Encode(string text, bool continuation = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        List<int> ids = new(text.Length / 3);
        try
        {
            if (AddedTokens is null)
            {
                EncodeStretch(text, continuation ? PiecePosition.FirstOfContinuation : PiecePosition.First, ids);
                return ids;
            }
            PiecePosition position = continuation ? PiecePosition.FirstOfContinuation : PiecePosition.First;
            foreach ((string stretch, int? addedId) in AddedTokens.Split(text))
            {
                if (addedId is int id)
                    ids.Add(id);
                else
                    EncodeStretch(stretch, position, ids);
                position = PiecePosition.Later;
            }
            return ids;
        }
        catch (UnknownCharacterException exception)
        {
            throw UnknownCharacter.Error(text, exception.Character, exception);
        }
    }

    /// <inheritdoc/>
    public string Decode(IReadOnlyList<int> tokenIds, bool continuation = false) => Decoder.Decode(tokenIds, continuation);

    private void EncodeStretch(string text, PiecePosition position, List<int> ids)
    {
        if (text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            text = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        string normalized = Normalizer?.Normalize(text, position == PiecePosition.FirstOfContinuation) ?? text;
        if (normalized.Length == 0)
            return;
        foreach (string piece in Splitter?.Split(normalized, position) ?? [normalized])
            Model.Encode(piece, ids);
    }
}
