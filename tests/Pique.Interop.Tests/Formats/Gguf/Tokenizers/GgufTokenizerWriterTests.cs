using CsCheck;
using Pique.Formats.Gguf;
using Pique.Formats.Gguf.Tokenizers;
using Pique.Formats.Tokenizers;
using Pique.Interop.Tests.Fixture;
using Pique.Tests.Formats.Tokenizers;

namespace Pique.Interop.Tests.Formats.Gguf.Tokenizers;

/// <summary>llama.cpp splits text as the tokenizer does that its file was written from.</summary>
public sealed class GgufTokenizerWriterTests(LlamaCpp llamaCpp) : IDisposable
{
    private const int TextCount = 1000;

    /// <summary>Special tokens written out, and what splitters treat apart.</summary>
    private static readonly string[] Pieces =
        ["<s>", "</s>", "<unk>", "<|bos|>", "<|eos|>", "<|endoftext|>", "<|im_start|>", "<0x0A>", "<|start_story|>", "Once upon", " a time", "  ", "\n\n", "1234", "don't", "\t", "naïve", "日本語"];

    private static readonly Gen<string> Texts = Gen.OneOf(
        UnicodeText.Generator,
        Gen.OneOf(Gen.Int[0, Pieces.Length - 1].Select(index => Pieces[index]), UnicodeText.Generator).Array[1, 6].Select(string.Concat));

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_embedded_models_ids_are_those_of_llama_cpp() => AssertSameIds(TokenizerLoader.Load(Embedded()));

    /// <summary>Of the two vocabularies of stories260K, the SentencePiece model drops extra spaces, which llama.cpp never does and the writer warns of.</summary>
    [Theory]
    [InlineData("tokenizers/llama2/tokenizer.model")]
    [InlineData("models/stories260K/tok512.bin")]
    [InlineData("models/TinyStories-656K")]
    public void Shared_vocabularies_give_the_ids_of_llama_cpp(string path) => AssertSameIds(TokenizerLoader.Load(SharedData.PathOrSkip(path)));

    private void AssertSameIds(LoadedTokenizer tokenizer)
    {
        llamaCpp.SkipIfMissing();
        GgufMetadata metadata = new();
        metadata.Add("general.architecture", "llama");
        GgufTokenizerWriter.Add(metadata, tokenizer.SourceFiles, tokenizer.Tokenizer.VocabularySize);
        string path = _folder.File("vocabulary.gguf");
        GgufWriter.Write(path, metadata, []);
        using LlamaCppModel theirs = llamaCpp.LoadVocabulary(path);
        List<string> texts = [];
        Texts.Sample(texts.Add, iter: TextCount, threads: 1, seed: "0000KOIPe036");
        string[] known = [.. texts.Where(text => tokenizer.Tokenizer.UnknownCharacters(text).Count == 0)];
        Assert.NotEmpty(known);

        int[][] expected = theirs.Tokenize(known);

        for (int index = 0; index < known.Length; index++)
            Assert.True(expected[index].SequenceEqual(tokenizer.Tokenizer.Encode(known[index])), $"\"{known[index]}\": llama.cpp [{string.Join(", ", expected[index])}], here [{string.Join(", ", tokenizer.Tokenizer.Encode(known[index]))}]");
    }

    private static string Embedded()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (!Directory.Exists(Path.Combine(folder!.FullName, "models", "pique-tiny")))
            folder = folder.Parent;
        return Path.Combine(folder.FullName, "models", "pique-tiny");
    }
}
