using System.Text.Json.Nodes;
using CsCheck;
using Pique.Formats;
using Pique.Formats.Gguf.Tokenizers;
using Pique.Formats.Tokenizers;
using Pique.Tests.Formats.Tokenizers;

namespace Pique.Tests.Formats.Gguf.Tokenizers;

/// <summary>A tokenizer that was written to a GGUF file and read again encodes and decodes as before, whatever the text.</summary>
public sealed class GgufTokenizerRoundTripTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Llama2c_vocabularies() => Check(SmallVocabulary.WriteLlama2C(_folder.File("tok.bin")));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void SentencePiece_models(bool removeExtraSpaces) => Check(SmallVocabulary.WriteSentencePiece(_folder.File("tokenizer.model"), removeExtraSpaces));

    [Fact]
    public void Merges_that_became_scores() => Check(SmallVocabulary.WriteScored(_folder.File("tokenizer.json")));

    [Fact]
    public void Merges_that_became_scores_where_characters_can_be_unknown() => Check(SmallVocabulary.WriteScored(_folder.File("tokenizer.json"), root =>
    {
        root["model"]!["byte_fallback"] = false;
        foreach (string token in root["model"]!["vocab"]!.AsObject().Select(entry => entry.Key).Where(token => TokenDecoder.ByteOf(token) is not null).ToArray())
            root["model"]!["vocab"]!.AsObject().Remove(token);
    }));

    [Fact]
    public void Added_tokens_among_merges_that_became_scores() => Check(SmallVocabulary.WriteScored(_folder.File("tokenizer.json"), root =>
        root["added_tokens"]!.AsArray().Add(JsonNode.Parse("""{"id":400,"content":"<|eos|>","special":false,"normalized":false}"""))));

    [Fact]
    public void The_tokenizer_of_pique_tiny() => Check(SmallVocabulary.PiqueTiny);

    [Theory]
    [InlineData("gpt-2", null)]
    [InlineData("llama-bpe", SplitPatterns.Llama3)]
    [InlineData("qwen2", SplitPatterns.Qwen2)]
    [InlineData("qwen35", SplitPatterns.Qwen35)]
    [InlineData("seed-coder", SplitPatterns.SeedCoder)]
    [InlineData("tekken", SplitPatterns.Tekken)]
    [InlineData("gpt-4o", SplitPatterns.Gpt4O)]
    public void Byte_level_tokenizers_with_every_pre_tokenizer_and_tokens_found_in_text(string name, string? pattern)
    {
        string preTokenizer = pattern is null ? """{"type":"ByteLevel","add_prefix_space":false}""" : SmallVocabulary.SplitThenBytes(pattern);
        SmallVocabulary.WriteByteLevel(_folder.Path, preTokenizer, root =>
        {
            root["model"]!["ignore_merges"] = PreTokenizers.Find(name)!.IgnoresMerges;
            root["added_tokens"]!.AsArray().Add(JsonNode.Parse("""{"id":400,"content":"<tool>","special":false,"normalized":false}"""));
            root["added_tokens"]!.AsArray().Add(JsonNode.Parse("""{"id":401,"content":"  ","special":false,"normalized":false}"""));
        });
        Check(_folder.Path);
    }

    [Fact]
    public void Tokenizers_of_real_models()
    {
        foreach (string source in (string[])["models/TinyStories-656K", "models/stories260K/tok512.model", "models/stories260K/tok512.bin", "tokenizers/llama2/tokenizer.model", "tokenizers/llama2/tokenizer.bin"])
            Check(SharedData.PathOrSkip(source));
    }

    private void Check(string source)
    {
        (ITextTokenizer original, ITextTokenizer copy) = VocabularyFile.RoundTrip(_folder.File("copy.gguf"), source);
        Assert.Equal((original.VocabularySize, original.BeginOfTextId, original.EndOfTextId, original.UnknownId), (copy.VocabularySize, copy.BeginOfTextId, copy.EndOfTextId, copy.UnknownId));
        UnicodeText.WithLookAlikes.Sample(text =>
        {
            foreach (bool continuation in (bool[])[false, true])
            {
                IReadOnlyList<int> ids = original.Encode(text, continuation);
                Assert.Equal(ids, copy.Encode(text, continuation));
                Assert.Equal(original.Decode(ids, continuation), copy.Decode(ids, continuation));
            }
        });
    }
}
