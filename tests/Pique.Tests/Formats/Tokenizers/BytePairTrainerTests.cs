using Pique.Formats;
using Pique.Formats.Tokenizers;

namespace Pique.Tests.Formats.Tokenizers;

public sealed class BytePairTrainerTests
{
    [Fact]
    public void Merges_follow_frequency_and_equal_counts_go_to_the_smaller_ids()
    {
        // "ab" occurs 3 times; then "abc" and "xy" twice each: a (id 68) is smaller than x, but "ab" (id 259) is larger.
        BytePairVocabulary vocabulary = BytePairTrainer.Train(["abc", "abc", "abd", "xy", "xy"], BytePairTrainer.MinimumVocabularySize + 10);

        Assert.Equal([("a", "b"), ("x", "y"), ("ab", "c")], vocabulary.Merges);
        Assert.Equal(["ab", "xy", "abc"], vocabulary.Tokens.Skip(BytePairTrainer.MinimumVocabularySize));
    }

    [Fact]
    public void Special_tokens_come_first_and_then_every_byte()
    {
        BytePairVocabulary vocabulary = BytePairTrainer.Train([], BytePairTrainer.MinimumVocabularySize);

        Assert.Equal(["<|bos|>", "<|eos|>", "<|pad|>", "!", "\""], vocabulary.Tokens.Take(5));
        Assert.Equal(256, vocabulary.Tokens.Skip(3).Distinct().Count());
        Assert.Empty(vocabulary.Merges);
    }

    [Fact]
    public void Merges_never_cross_words_or_digits()
    {
        string text = string.Concat(Enumerable.Repeat("the cat 2024 sat. ", 50));
        BytePairVocabulary vocabulary = BytePairTrainer.Train([text], 400);

        Assert.NotEmpty(vocabulary.Merges);
        Assert.All(vocabulary.Tokens.Skip(BytePairTrainer.MinimumVocabularySize), token =>
        {
            Assert.DoesNotContain('Ġ', token[1..]);
            Assert.DoesNotContain(token, char.IsAsciiDigit);
        });
    }

    [Fact]
    public void Overlapping_pairs_are_joined_from_the_left()
    {
        BytePairVocabulary vocabulary = BytePairTrainer.Train(["aaaaa", "aaaaa"], BytePairTrainer.MinimumVocabularySize + 3);

        Assert.Equal([("a", "a"), ("aa", "a"), ("aa", "aaa")], vocabulary.Merges);
    }

    [Fact]
    public void A_vocabulary_too_small_for_the_bytes_is_refused() =>
        Assert.Equal(
            "vocabulary_size: 258 is too small; 3 special tokens and 256 bytes need at least 259.",
            Assert.Throws<InputException>(() => BytePairTrainer.Train([], 258)).Message);

    [Fact]
    public void The_same_texts_give_the_same_files()
    {
        using TemporaryFolder first = new();
        using TemporaryFolder second = new();
        string[] texts = ["one two three two one", "naïve 日本 日本 🙂🙂"];
        TokenizerJsonWriter.Write(first.Path, BytePairTrainer.Train(texts, 300));
        TokenizerJsonWriter.Write(second.Path, BytePairTrainer.Train(texts, 300));

        foreach (string name in (string[])["tokenizer.json", "tokenizer_config.json"])
            Assert.Equal(File.ReadAllBytes(first.File(name)), File.ReadAllBytes(second.File(name)));
    }

    [Fact]
    public void A_written_vocabulary_loads_and_restores_any_text()
    {
        using TemporaryFolder folder = new();
        TokenizerJsonWriter.Write(folder.Path, BytePairTrainer.Train(["Tom has 3 apples. Tom has 14 pears.\n#### 17", "naïve 日本 日本"], 300));
        LoadedTokenizer loaded = TokenizerLoader.Load(folder.Path);
        ITextTokenizer tokenizer = loaded.Tokenizer;

        Assert.Equal((0, 1, null), (tokenizer.BeginOfTextId, tokenizer.EndOfTextId, tokenizer.UnknownId));
        Assert.Equal([folder.File("tokenizer.json"), folder.File("tokenizer_config.json")], loaded.SourceFiles);
        CsCheck.Check.Sample(UnicodeText.Generator, text =>
        {
            IReadOnlyList<int> ids = tokenizer.Encode(text);
            Assert.All(ids, id => Assert.InRange(id, 3, tokenizer.VocabularySize - 1));
            Assert.Equal(text, tokenizer.Decode(ids));
            Assert.Equal(ids, tokenizer.Encode(text, continuation: true));
        });
    }

    [Fact]
    public void Trained_words_are_encoded_as_one_token()
    {
        using TemporaryFolder folder = new();
        BytePairVocabulary vocabulary = BytePairTrainer.Train([string.Concat(Enumerable.Repeat(" apples", 9))], 300);
        TokenizerJsonWriter.Write(folder.Path, vocabulary);

        int id = Assert.Single(TokenizerLoader.Load(folder.Path).Tokenizer.Encode(" apples"));
        Assert.Equal("Ġapples", vocabulary.Tokens[id]);
    }
}
