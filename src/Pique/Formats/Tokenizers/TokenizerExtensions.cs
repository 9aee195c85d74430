using System.Text;

namespace Pique.Formats.Tokenizers;

/// <summary>Questions to any tokenizer.</summary>
public static class TokenizerExtensions
{
    /// <summary>Finds the characters of a text that the vocabulary cannot express.</summary>
    /// <param name="tokenizer">Tokenizer.</param>
    /// <param name="text">Text.</param>
    /// <returns>Each such character once, by first occurrence.</returns>
    public static IReadOnlyList<UnknownCharacter> UnknownCharacters(this ITextTokenizer tokenizer, string text)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(text);
        List<UnknownCharacter> unknown = [];
        HashSet<Rune> seen = [];
        int index = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            string character = rune.ToString();
            if (seen.Add(rune) && !CanEncode(tokenizer, character))
                unknown.Add(new UnknownCharacter(character, index));
            index += rune.Utf16SequenceLength;
        }
        return unknown;
    }

    private static bool CanEncode(ITextTokenizer tokenizer, string character)
    {
        try
        {
            // Encoded even where there is no unknown token: then a character without a token is an error.
            IReadOnlyList<int> ids = tokenizer.Encode(character, continuation: true);
            return tokenizer.UnknownId is not int unknownId || !ids.Contains(unknownId);
        }
        catch (InputException)
        {
            return false;
        }
    }
}
