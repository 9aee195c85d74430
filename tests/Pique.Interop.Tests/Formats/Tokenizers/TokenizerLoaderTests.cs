using System.Globalization;
using System.Text.Json;
using CsCheck;
using Pique.Formats;
using Pique.Formats.Tokenizers;
using Pique.Interop.Tests.Fixture;
using Pique.Tests.Formats.Tokenizers;

namespace Pique.Interop.Tests.Formats.Tokenizers;

public sealed class TokenizerLoaderTests(LlamaCpp llamaCpp)
{
    /// <summary>Texts a request.</summary>
    private const int TextsAtOnce = 200;

    private const int Requests = 4;

    [Theory]
    [InlineData("tokenizers/llama2/ggml-vocab-llama-spm.gguf", 32000)]
    [InlineData("tokenizers/gpt2/ggml-vocab-gpt-2.gguf", 50257)]
    public void Llama_cpp_gives_the_ids_of_its_own_tests(string file, int vocabularySize)
    {
        string path = SharedData.PathOrSkip(file);
        string[] texts = File.ReadAllText(path + ".inp").Split("\n__ggml_vocab_test__\n")[..^1];
        using LlamaCppModel model = llamaCpp.LoadVocabulary(path);

        Assert.Equal(vocabularySize, model.VocabularySize);
        Assert.Equal(File.ReadAllLines(path + ".out").Select(line => line.Trim()), model.Tokenize(texts).Select(Text));
    }

    [Fact]
    public void Llama2_ids_of_random_texts_are_those_of_llama_cpp()
    {
        using LlamaCppModel model = llamaCpp.LoadVocabulary(SharedData.PathOrSkip("tokenizers/llama2/ggml-vocab-llama-spm.gguf"));
        AssertSameIds(model, TokenizerLoader.Load(SharedData.PathOrSkip("tokenizers/llama2")).Tokenizer);
    }

    [Fact]
    public void Gpt2_ids_of_random_texts_are_those_of_llama_cpp()
    {
        using LlamaCppModel model = llamaCpp.LoadVocabulary(SharedData.PathOrSkip("tokenizers/gpt2/ggml-vocab-gpt-2.gguf"));
        using TemporaryFolder folder = new();
        string vocabulary = File.ReadAllText(SharedData.PathOrSkip("tokenizers/gpt2/encoder.json"));
        string merges = JsonSerializer.Serialize(File.ReadLines(SharedData.PathOrSkip("tokenizers/gpt2/vocab.bpe")).Skip(1).Where(line => line.Length > 0));
        File.WriteAllText(folder.File("tokenizer.json"), $$$"""
            {"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"decoder":{"type":"ByteLevel"},
             "model":{"type":"BPE","vocab":{{{vocabulary}}},"merges":{{{merges}}}}}
            """);
        AssertSameIds(model, TokenizerLoader.Load(folder.File("tokenizer.json")).Tokenizer);
    }

    private static void AssertSameIds(LlamaCppModel model, ITextTokenizer tokenizer) =>
        UnicodeText.Generator.Array[TextsAtOnce].Sample(
            texts => Assert.Equal(texts.Zip(texts.Select(text => Text(tokenizer.Encode(text)))), texts.Zip(model.Tokenize(texts).Select(Text))),
            iter: Requests,
            threads: 1);

    private static string Text(IReadOnlyList<int> ids) => string.Join(' ', ids.Select(id => id.ToString(CultureInfo.InvariantCulture)));
}
