using CsCheck;
using Pique.Formats.Gguf.Tokenizers;
using Pique.Formats.Tokenizers;

namespace Pique.Tests.Formats.Gguf.Tokenizers;

public sealed class TextFidelityTests
{
    private const string Letters = "abc";

    /// <summary>
    /// Random vocabularies of which many have merges that never apply, and several merges for one token. Where no token's text tells merging by
    /// scores from merging by rank, no text does.
    /// </summary>
    [Fact]
    public void Scores_merge_every_text_as_the_ranks_do_where_they_merge_every_tokens_text_so()
    {
        int same = 0;
        int different = 0;
        (from merges in Gen.Select(Gen.Int[0, 1000], Gen.Int[0, 1000]).Array[1, 14]
         from texts in Gen.Char[Letters].Array[0, 24].Select(letters => new string(letters)).Array[40]
         select (merges, texts)).Sample(sample =>
        {
            (Dictionary<string, int> vocabulary, List<(string, string)> merges) = Vocabulary(sample.merges);
            MergeRules rules = MergeRules.FromList(vocabulary, merges, "merges");
            float[] scores = new float[vocabulary.Count];
            foreach ((string token, int id) in vocabulary)
                scores[id] = TokenMerging.Merge(token, vocabulary, rules, out int? rank) is [int made] && made == id && rank is int known ? -known : -merges.Count;
            ScoredMerging scored = new(vocabulary, scores);

            bool faithful = vocabulary.Keys.All(Agree);
            if (faithful)
                Assert.All(sample.texts.Where(text => text.Length > 0), text => Assert.True(Agree(text), text));
            Interlocked.Increment(ref faithful ? ref same : ref different);

            bool Agree(string text) => scored.Encode(text)!.SequenceEqual(TokenMerging.Merge(text, vocabulary, rules, out _)!);
        }, iter: 3000);
        Assert.InRange(same, 300, 2700);
        Assert.InRange(different, 300, 2700);
    }

    [Fact]
    public void Merging_by_scores_takes_bytes_for_unknown_characters_and_ends_where_there_are_none()
    {
        Dictionary<string, int> ids = new() { ["a"] = 0, ["<0xC3>"] = 1, ["<0xA9>"] = 2, ["xy"] = 3 };
        ScoredMerging merging = new(ids, [0, 0, 0, 0]);

        Assert.Equal([0, 1, 2], merging.Encode("aé"));
        Assert.Equal([3], merging.Encode("xy"));
        Assert.Null(merging.Encode("x"));
    }

    [Theory]
    [InlineData("ab-|b-ab", true)]
    [InlineData("b-ab|ab-", true)]
    [InlineData("  |    |        ", false)]
    [InlineData("<a>|<b>", false)]
    [InlineData("ab-|-", false)]
    public void Overlaps_matter_where_the_longer_token_begins_within_the_shorter(string tokens, bool warned)
    {
        List<string> warnings = [];
        TextFidelity.WarnOfOverlaps("FILE", tokens.Split('|'), warnings);

        Assert.Equal(warned ? ["FILE: where the added tokens \"ab-\" and \"b-ab\" overlap in a text, llama.cpp takes the longer, this tokenizer the first."] : [], warnings);
    }

    /// <summary>Letters, and tokens made by joining two that are there already.</summary>
    private static (Dictionary<string, int> Vocabulary, List<(string Left, string Right)> Merges) Vocabulary((int Left, int Right)[] picks)
    {
        List<string> tokens = [.. Letters.Select(letter => letter.ToString())];
        Dictionary<string, int> vocabulary = tokens.Select((token, id) => (token, id)).ToDictionary(entry => entry.token, entry => entry.id);
        List<(string Left, string Right)> merges = [];
        foreach ((int left, int right) in picks)
        {
            (string, string) merge = (tokens[left % tokens.Count], tokens[right % tokens.Count]);
            string made = merge.Item1 + merge.Item2;
            if (merges.Contains(merge))
                continue;
            merges.Add(merge);
            if (vocabulary.TryAdd(made, tokens.Count))
                tokens.Add(made);
        }
        return (vocabulary, merges);
    }
}
