using System.Text;
using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>Finds out where llama.cpp will encode text otherwise than the tokenizer whose vocabulary it is given.</summary>
/// <remarks>
/// For merges by score it is enough to compare the texts of all tokens. Whether a token results from a stretch of text depends on nothing outside
/// the stretch, as long as no merge crosses its ends: until then the merges inside it are those of the stretch alone, in the same order. So two
/// ways of merging that make the same tokens of the tokens' own texts, and make each in the same turn, make the same tokens of every text.
/// </remarks>
internal static class TextFidelity
{
    private const int Examples = 3;

    /// <summary>Compares what llama.cpp makes of every token's text with what the tokenizer does.</summary>
    /// <param name="file">The vocabulary's file, for messages.</param>
    /// <param name="vocabulary">What llama.cpp is given.</param>
    /// <param name="pairs">The tokenizer's model.</param>
    /// <param name="warnings">Takes a message where any differ.</param>
    public static void WarnOfTokens(string file, GgufVocabulary vocabulary, BytePairModel pairs, List<string> warnings)
    {
        ScoredMerging merging = new(vocabulary.Ids, vocabulary.Scores);
        List<string> different = [];
        for (int id = 0; id < vocabulary.Texts.Count; id++)
        {
            string text = vocabulary.Texts[id];
            // Both find user-defined tokens before they merge; a character that neither knows is the other warning's matter.
            if (vocabulary.Types[id] == PieceType.UserDefined || !(pairs.FallsBackToEveryByte || IsKnown(text, pairs)))
                continue;
            List<int> ids = [];
            pairs.Encode(text, ids);
            if (merging.Encode(text) is not { } others || !others.SequenceEqual(ids))
                different.Add(text);
        }
        if (different.Count > 0)
            warnings.Add($"{file}: llama.cpp encodes {Count(different.Count, "stretch", "stretches")} of text otherwise than this tokenizer, {List(different)}.");
    }

    /// <summary>Warns where characters without a token fare otherwise.</summary>
    /// <param name="file">The vocabulary's file, for messages.</param>
    /// <param name="vocabulary">What llama.cpp is given.</param>
    /// <param name="fallsBackToBytes">Whether the tokenizer uses its byte tokens.</param>
    /// <param name="warnings">Takes a message.</param>
    public static void WarnOfUnknownCharacters(string file, GgufVocabulary vocabulary, bool fallsBackToBytes, List<string> warnings)
    {
        int bytes = TokenDecoder.ByteIds(name => vocabulary.Ids.TryGetValue(name, out int id) ? id : null).Count(id => id is not null);
        if (bytes < 256)
            warnings.Add($"{file}: has {(bytes == 0 ? "no byte tokens" : $"{bytes} of the 256 byte tokens")}, and llama.cpp ends the program at a character that has no token; keep prompts to the vocabulary's characters.");
        else if (!fallsBackToBytes)
            warnings.Add($"{file}: llama.cpp writes a character that has no token as bytes; this tokenizer takes its unknown token.");
    }

    /// <summary>Warns where tokens that are found in typed text can overlap: llama.cpp looks for the longest in the whole text first, this tokenizer goes from left to right.</summary>
    /// <param name="file">The vocabulary's file, for messages.</param>
    /// <param name="tokens">The tokens as typed.</param>
    /// <param name="warnings">Takes a message.</param>
    public static void WarnOfOverlaps(string file, IReadOnlyList<string> tokens, List<string> warnings)
    {
        ILookup<string, string> byPrefix = tokens
            .SelectMany(token => Enumerable.Range(1, token.Length - 1).Select(length => (Prefix: token[..length], Token: token)))
            .ToLookup(entry => entry.Prefix, entry => entry.Token, StringComparer.Ordinal);
        foreach (string token in tokens)
        {
            for (int start = 1; start < token.Length; start++)
            {
                // One that begins with the other overlaps it too, as runs of spaces do, but is found first either way.
                if (byPrefix[token[start..]].FirstOrDefault(other => other.Length >= token.Length && !other.StartsWith(token, StringComparison.Ordinal)) is not { } other)
                    continue;
                warnings.Add($"{file}: where the added tokens \"{token}\" and \"{other}\" overlap in a text, llama.cpp takes the longer, this tokenizer the first.");
                return;
            }
        }
    }

    /// <summary>A number of things.</summary>
    public static string Count(int count, string one, string many) => $"{count} {(count == 1 ? one : many)}";

    /// <summary>The first few of a list of texts.</summary>
    public static string List(IReadOnlyList<string> texts) =>
        $"{(texts.Count > Examples ? "such as " : "")}{string.Join(", ", texts.Take(Examples).Select(text => $"\"{text}\""))}";

    private static bool IsKnown(string text, BytePairModel pairs) => text.EnumerateRunes().All((Rune rune) => pairs.Knows(rune.ToString()));
}
