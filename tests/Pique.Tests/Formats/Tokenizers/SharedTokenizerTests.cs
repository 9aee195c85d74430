using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Pique.Formats;
using Pique.Formats.Tokenizers;

namespace Pique.Tests.Formats.Tokenizers;

/// <summary>Real vocabularies against token ids that other programs made. Skipped where the shared data is absent.</summary>
public sealed class SharedTokenizerTests
{
    private const string OnceUpon = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park.";

    /// <summary>The pairs are those of llama.cpp's tokenizer tests.</summary>
    [Fact]
    public void Llama2_ids_are_those_of_llama_cpp()
    {
        string folder = SharedData.PathOrSkip("tokenizers/llama2");
        ITextTokenizer tokenizer = TokenizerLoader.Load(folder).Tokenizer;

        Assert.Equal((1, 2, null, 32000), (tokenizer.BeginOfTextId, tokenizer.EndOfTextId, tokenizer.UnknownId, tokenizer.VocabularySize));
        AssertPairs(tokenizer, Path.Combine(folder, "ggml-vocab-llama-spm.gguf"));
    }

    [Fact]
    public void Both_files_of_Llama2_give_the_same_ids()
    {
        string folder = SharedData.PathOrSkip("tokenizers/llama2");
        ITextTokenizer fromModel = TokenizerLoader.Load(Path.Combine(folder, "tokenizer.model")).Tokenizer;
        ITextTokenizer fromBin = TokenizerLoader.Load(Path.Combine(folder, "tokenizer.bin")).Tokenizer;

        CsCheck.Check.Sample(UnicodeText.Generator, text =>
        {
            IReadOnlyList<int> ids = fromModel.Encode(text);
            Assert.Equal(ids, fromBin.Encode(text));
            Assert.Equal(text.Replace('▁', ' '), fromModel.Decode(ids));
        });
    }

    /// <summary>The pairs are those of llama.cpp's tokenizer tests.</summary>
    [Fact]
    public void Gpt2_ids_are_those_of_llama_cpp()
    {
        string folder = SharedData.PathOrSkip("tokenizers/gpt2");
        using TemporaryFolder made = new();
        string vocabulary = File.ReadAllText(Path.Combine(folder, "encoder.json"));
        string merges = JsonSerializer.Serialize(File.ReadLines(Path.Combine(folder, "vocab.bpe")).Skip(1).Where(line => line.Length > 0));
        string path = made.Write("tokenizer.json", $$$"""
            {"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"decoder":{"type":"ByteLevel"},
             "model":{"type":"BPE","vocab":{{{vocabulary}}},"merges":{{{merges}}}}}
            """);
        ITextTokenizer tokenizer = TokenizerLoader.Load(path).Tokenizer;

        Assert.Equal(50257, tokenizer.VocabularySize);
        AssertPairs(tokenizer, Path.Combine(folder, "ggml-vocab-gpt-2.gguf"));
        CsCheck.Check.Sample(UnicodeText.Generator, text => Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text))));
    }

    /// <summary>Made with the npm package @huggingface/tokenizers 0.2.0, encode without special tokens.</summary>
    [Theory]
    [InlineData("Once upon a time, there was a little girl named Lily.", new[] { 80, 147, 201, 282, 215, 286, 598, 629, 10 })]
    [InlineData(" two  spaces\n\nand lines", new[] { 80, 80, 1209, 80, 415, 53, 1499, 3, 3, 135, 64, 96, 233 })]
    [InlineData("café 日本! x", new[] { 80, 295, 58, 0, 80, 0, 271, 76 })]
    [InlineData("a", new[] { 85 })]
    public void TinyStories_ids_are_those_of_Hugging_Face(string text, int[] ids) =>
        Assert.Equal(ids, TokenizerLoader.Load(SharedData.PathOrSkip("models/TinyStories-656K")).Tokenizer.Encode(text));

    [Fact]
    public void TinyStories_knows_its_special_tokens_and_restores_known_text()
    {
        string folder = SharedData.PathOrSkip("models/TinyStories-656K");
        LoadedTokenizer loaded = TokenizerLoader.Load(folder);
        ITextTokenizer tokenizer = loaded.Tokenizer;

        Assert.Equal((1, 2, 0, 2048), (tokenizer.BeginOfTextId, tokenizer.EndOfTextId, tokenizer.UnknownId, tokenizer.VocabularySize));
        Assert.Equal(["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"], loaded.SourceFiles.Select(Path.GetFileName));
        Assert.Equal(OnceUpon, tokenizer.Decode(tokenizer.Encode(OnceUpon)));
        Assert.Equal(" and", tokenizer.Decode(tokenizer.Encode(" and", continuation: true), continuation: true));
        Assert.Equal("Lily", tokenizer.Decode([1, .. tokenizer.Encode("Lily"), 2]));
        Assert.DoesNotContain(2, tokenizer.Encode("the <|end_story|> mark"));
        Assert.Equal([new UnknownCharacter("é", 3), new UnknownCharacter("日", 4)], tokenizer.UnknownCharacters("café日é"));
        Assert.Equal("'é' (U+00E9) at index 3", tokenizer.UnknownCharacters("café")[0].ToString());
    }

    /// <summary>The count and digest were made with the npm package @huggingface/tokenizers 0.2.0: ids of each story parted by spaces, a line a story.</summary>
    [Fact]
    public void TinyStories_ids_of_300_stories_are_those_of_Hugging_Face()
    {
        ITextTokenizer tokenizer = TokenizerLoader.Load(SharedData.PathOrSkip("models/TinyStories-656K")).Tokenizer;
        string[] stories = File.ReadAllText(SharedData.PathOrSkip("text/tinystories-sample.txt")).Split("<|endoftext|>");
        StringBuilder lines = new();
        int count = 0;
        foreach (string story in stories.Take(300))
        {
            IReadOnlyList<int> ids = tokenizer.Encode(story);
            count += ids.Count;
            lines.AppendJoin(' ', ids).Append('\n');
        }

        Assert.Equal(61885, count);
        Assert.Equal("4847666dedb0be91cfeee3e4db2b61ac06bce959f1ffd1b76abb1e101d9cae38", Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(lines.ToString()))));
    }

    [Fact]
    public void Two_megabytes_in_one_text_get_the_ids_of_their_parts()
    {
        ITextTokenizer tokenizer = TokenizerLoader.Load(SharedData.PathOrSkip("models/TinyStories-656K")).Tokenizer;
        string text = File.ReadAllText(SharedData.PathOrSkip("text/tinystories-sample.txt"));
        IReadOnlyList<int> whole = tokenizer.Encode(text);

        Assert.Equal(text.Split("<|endoftext|>")[0], tokenizer.Decode([.. whole.Take(tokenizer.Encode(text.Split("<|endoftext|>")[0]).Count)]));
        Assert.InRange(whole.Count, text.Length / 6, text.Length / 2);
    }

    [Theory]
    [InlineData("models/TinyStories-656K")]
    [InlineData("models/stories260K/tok512.model")]
    [InlineData("tokenizers/llama2")]
    public void A_million_equal_letters_are_encoded(string path)
    {
        ITextTokenizer tokenizer = TokenizerLoader.Load(SharedData.PathOrSkip(path)).Tokenizer;
        string text = new('a', 1_000_000);

        Assert.Equal(text, tokenizer.Decode(tokenizer.Encode(text)));
    }

    [Fact]
    public void The_stories_vocabulary_restores_text_and_keeps_the_space_of_a_continuation()
    {
        ITextTokenizer tokenizer = TokenizerLoader.Load(SharedData.PathOrSkip("models/stories260K/tok512.model")).Tokenizer;

        Assert.Equal((1, 2, null, 512), (tokenizer.BeginOfTextId, tokenizer.EndOfTextId, tokenizer.UnknownId, tokenizer.VocabularySize));
        Assert.Equal(OnceUpon, tokenizer.Decode([1, .. tokenizer.Encode(OnceUpon)]));
        Assert.Equal("naïve 日本 🙂", tokenizer.Decode(tokenizer.Encode("naïve 日本 🙂")));
        Assert.Equal(tokenizer.Encode("one two"), [.. tokenizer.Encode("one"), .. tokenizer.Encode(" two", continuation: true)]);
        Assert.Empty(tokenizer.UnknownCharacters("naïve 日本 🙂"));
        Assert.DoesNotContain(2, tokenizer.Encode("a </s> b"));
    }

    [Fact]
    public void A_folder_without_tokenizer_json_gives_its_SentencePiece_model()
    {
        LoadedTokenizer loaded = TokenizerLoader.Load(SharedData.PathOrSkip("models/stories260K"));

        Assert.Equal("tok512.model", Path.GetFileName(Assert.Single(loaded.SourceFiles)));
    }

    [Fact]
    public void Both_vocabularies_of_one_model_give_the_same_tokens()
    {
        ITextTokenizer sentencePiece = TokenizerLoader.Load(SharedData.PathOrSkip("models/stories260K/tok512.model")).Tokenizer;
        ITextTokenizer llama2C = TokenizerLoader.Load(SharedData.PathOrSkip("models/stories260K/tok512.bin")).Tokenizer;

        foreach (string text in (string[])["Once upon a time, there was a little girl named Lily.", "a b\n\nnaïve 日本", ""])
        {
            Assert.Equal(sentencePiece.Encode(text), llama2C.Encode(text));
            Assert.Equal(sentencePiece.Decode(sentencePiece.Encode(text)), llama2C.Decode(llama2C.Encode(text)));
        }
    }

    private static void AssertPairs(ITextTokenizer tokenizer, string stem)
    {
        string[] texts = File.ReadAllText(stem + ".inp").Split("\n__ggml_vocab_test__\n");
        string[] expected = File.ReadAllLines(stem + ".out");
        Assert.Equal(expected.Length, texts.Length - 1);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal($"{i}: {expected[i].Trim()}", $"{i}: {string.Join(' ', tokenizer.Encode(texts[i]).Select(id => id.ToString(CultureInfo.InvariantCulture)))}");
    }
}
