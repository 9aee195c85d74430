namespace Pique.Formats.Tokenizers;

/// <summary>Added tokens that are not special: found in the text before anything else, longest first, such as runs of spaces.</summary>
internal sealed class AddedTokens
{
    private readonly ILookup<char, (string Content, int Id)> _byFirst;

    /// <summary>Takes the tokens, none empty.</summary>
    public AddedTokens(IEnumerable<(string Content, int Id)> tokens)
    {
        _byFirst = tokens.OrderByDescending(token => token.Content.Length).ToLookup(token => token.Content[0]);
    }

    /// <summary>Cuts a text at the added tokens.</summary>
    /// <returns>Stretches in order; the id is null for ordinary text.</returns>
    public IEnumerable<(string Stretch, int? Id)> Split(string text)
    {
        int start = 0;
        for (int i = 0; i < text.Length;)
        {
            (string Content, int Id) found = default;
            foreach ((string Content, int Id) candidate in _byFirst[text[i]])
            {
                if (string.CompareOrdinal(text, i, candidate.Content, 0, candidate.Content.Length) == 0)
                {
                    found = candidate;
                    break;
                }
            }
            if (found.Content is null)
            {
                i++;
                continue;
            }
            if (i > start)
                yield return (text[start..i], null);
            yield return (found.Content, found.Id);
            i += found.Content.Length;
            start = i;
        }
        if (start < text.Length)
            yield return (text[start..], null);
    }
}
