using Pique.Formats;

namespace Pique.Cli;

/// <summary>Decodes tokens one by one. A character whose bytes are spread over tokens appears once it is whole.</summary>
/// <param name="tokenizer">The tokenizer.</param>
/// <param name="continuation">Whether the tokens continue a text.</param>
internal sealed class IncrementalDecoder(ITextTokenizer tokenizer, bool continuation)
{
    /// <summary>What a decoder writes for bytes that are no whole character.</summary>
    private const char Replacement = '\uFFFD';

    private readonly List<int> _tokenIds = [];
    private int _shown;

    /// <summary>Takes a token.</summary>
    /// <param name="tokenId">The token.</param>
    /// <returns>What it adds to the text; empty while a character is incomplete.</returns>
    public string Add(int tokenId)
    {
        _tokenIds.Add(tokenId);
        return Next(tokenizer.Decode(_tokenIds, continuation).TrimEnd(Replacement));
    }

    /// <summary>Ends the text.</summary>
    /// <returns>What was held back.</returns>
    public string Finish() => Next(tokenizer.Decode(_tokenIds, continuation));

    private string Next(string text)
    {
        if (text.Length <= _shown)
        {
            return "";
        }

        string added = text[_shown..];
        _shown = text.Length;
        return added;
    }
}
