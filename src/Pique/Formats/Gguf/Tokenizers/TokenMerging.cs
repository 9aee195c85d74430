using System.Text;
using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>Merges the text of one token by itself.</summary>
internal static class TokenMerging
{
    /// <summary>Applies the merges to a token's characters.</summary>
    /// <param name="token">Text of the token.</param>
    /// <param name="vocabulary">Token to id.</param>
    /// <param name="rules">Merges.</param>
    /// <param name="lastRank">Rank of the merge applied last, or null where none was.</param>
    /// <returns>Ids, or null where a character has no token.</returns>
    public static List<int>? Merge(string token, IReadOnlyDictionary<string, int> vocabulary, MergeRules rules, out int? lastRank)
    {
        lastRank = null;
        List<int> characters = [];
        foreach (Rune rune in token.EnumerateRunes())
        {
            if (!vocabulary.TryGetValue(rune.ToString(), out int id))
                return null;
            characters.Add(id);
        }
        List<int> ids = [];
        if (characters.Count > 0)
            lastRank = PieceMerger.Merge(characters.ToArray(), rules, ids);
        return ids;
    }
}
