using System.Text;
using CsCheck;
using Microsoft.ML.Tokenizers;
using Pique.Formats.Tokenizers;

namespace Pique.Tests.Formats.Tokenizers;

public sealed class MergeRulesTests
{
    private static readonly Gen<string> Text = Gen.Int[0, 3].Array[0, 80].Select(letters => string.Concat(letters.Select(letter => "abc "[letter])));

    /// <summary>Vocabularies trained without cutting words: merges cross spaces, and most texts have few safe cuts.</summary>
    private static BytePairVocabulary Train(string text) =>
        BytePairTrainer.Train([text.Replace(' ', 'd')], BytePairTrainer.MinimumVocabularySize + 12);

    [Fact]
    public void Library_own_merger_and_a_plain_search_for_the_best_merge_agree() => Check.Sample(Gen.Select(Text, Text), (training, sample) =>
    {
        BytePairVocabulary trained = Train(training + training);
        Dictionary<string, int> vocabulary = trained.Tokens.Select((token, id) => (token, id)).ToDictionary(entry => entry.token, entry => entry.id);
        string text = sample.Replace(' ', 'd');
        MergeRules rules = MergeRules.FromList(vocabulary, trained.Merges, "merges");
        int[] expected = MergePlainly([.. text.Select(letter => vocabulary[letter.ToString()])], rules);

        List<int> merged = [];
        PieceMerger.Merge([.. text.Select(letter => vocabulary[letter.ToString()])], rules, merged);
        Assert.Equal(expected, merged);

        List<int> cut = [];
        BytePairModel.FromMerges(vocabulary, trained.Merges, new BytePairOptions(), "merges").Encode(text, cut);
        Assert.Equal(expected, cut);

        BpeTokenizer library = BpeTokenizer.Create(new BpeOptions(vocabulary) { Merges = trained.Merges.Select(merge => $"{merge.Left} {merge.Right}") });
        Assert.Equal(expected, library.EncodeToIds(text, considerPreTokenization: false));
    });

    [Fact]
    public void Equal_scores_join_the_leftmost_pair()
    {
        Dictionary<string, int> vocabulary = new() { ["a"] = 0, ["aa"] = 1 };
        MergeRules rules = MergeRules.FromScores(vocabulary, [0, 0], "file");
        List<int> ids = [];
        PieceMerger.Merge([0, 0, 0], rules, ids);

        Assert.Equal([1, 0], ids);
    }

    [Fact]
    public void Higher_scores_join_first()
    {
        Dictionary<string, int> vocabulary = new() { ["a"] = 0, ["b"] = 1, ["c"] = 2, ["ab"] = 3, ["bc"] = 4 };
        List<int> ids = [];
        PieceMerger.Merge([0, 1, 2], MergeRules.FromScores(vocabulary, [-9, -9, -9, -2, -1], "file"), ids);

        Assert.Equal([0, 4], ids);
    }

    [Fact]
    public void Characters_that_no_merge_joins_are_safe_to_cut_between()
    {
        Dictionary<string, int> vocabulary = new() { ["a"] = 0, ["b"] = 1, ["ab"] = 2, ["aba"] = 3 };
        MergeRules rules = MergeRules.FromList(vocabulary, [("a", "b"), ("ab", "a")], "merges");

        Assert.True(rules.CanJoin(new Rune('a'), new Rune('b')));
        Assert.True(rules.CanJoin(new Rune('b'), new Rune('a')));
        Assert.False(rules.CanJoin(new Rune('a'), new Rune('a')));
    }

    [Theory]
    [InlineData("a", "x", "merges[0]: \"a\" + \"x\" needs the token \"x\", which the vocabulary lacks; fetch the file again.")]
    [InlineData("b", "a", "merges[0]: \"b\" + \"a\" needs the token \"ba\", which the vocabulary lacks; fetch the file again.")]
    public void A_merge_without_its_tokens_is_refused(string left, string right, string message)
    {
        Dictionary<string, int> vocabulary = new() { ["a"] = 0, ["b"] = 1, ["ab"] = 2 };

        Assert.Equal(message, Assert.Throws<InputException>(() => MergeRules.FromList(vocabulary, [(left, right)], "merges")).Message);
    }

    /// <summary>The definition: join the pair of the lowest rank, of equals the leftmost, until none is left.</summary>
    private static int[] MergePlainly(List<int> symbols, MergeRules rules)
    {
        while (true)
        {
            (int Rank, int Position, int MergedId)? best = null;
            for (int i = 0; i + 1 < symbols.Count; i++)
            {
                if (rules.TryGet(symbols[i], symbols[i + 1], out (int Rank, int MergedId) merge) && (best is null || merge.Rank < best.Value.Rank))
                    best = (merge.Rank, i, merge.MergedId);
            }
            if (best is null)
                return [.. symbols];
            symbols[best.Value.Position] = best.Value.MergedId;
            symbols.RemoveAt(best.Value.Position + 1);
        }
    }
}
