using Pique.Formats.Gguf;
using Pique.Formats.Gguf.Tokenizers;
using Pique.Formats.HuggingFace;
using Pique.Formats.Tokenizers;
using Pique.Models.Llama;

namespace Pique.Tests.Formats.Gguf.Tokenizers;

public sealed class GgufTokenizerFileTests : IDisposable
{
    private const string Text = "Max has 12 apples. <|eos|>\n\n  é";

    private static readonly int Size = SmallVocabulary.ByteLevelSize;

    private readonly TemporaryFolder _folder = new();

    private string Model => _folder.File("model.gguf");

    public void Dispose() => _folder.Dispose();

    /// <summary>A file as a model's: a tokenizer with a template, keys of other things and a tensor.</summary>
    private void WriteModel()
    {
        SmallVocabulary.WriteByteLevel(_folder.Path, SmallVocabulary.DigitsThenBytes);
        File.WriteAllText(_folder.File("chat_template.jinja"), "{{ x }}");
        GgufMetadata metadata = new();
        metadata.Add("general.architecture", "llama");
        metadata.Add("llama.block_count", 1u);
        GgufTokenizerWriter.Add(metadata, TokenizerLoader.Load(_folder.Path).SourceFiles, Size);
        GgufWriter.Write(Model, metadata, [new GgufTensorEntry("x", [2], GgufTensorType.F32, stream => stream.Write(new byte[8]))]);
    }

    [Fact]
    public void A_model_file_is_a_tokenizer_too()
    {
        WriteModel();
        LoadedTokenizer loaded = TokenizerLoader.Load(Model);

        Assert.Equal([Model], loaded.SourceFiles);
        Assert.Equal(TokenizerLoader.Load(_folder.File("tokenizer.json")).Tokenizer.Encode(Text), loaded.Tokenizer.Encode(Text));
    }

    [Fact]
    public void A_model_folder_keeps_the_tokenizer_of_a_GGUF_file_in_one_without_tensors()
    {
        WriteModel();
        LoadedTokenizer loaded = TokenizerLoader.Load(Model);
        using LlamaModel model = TinyLlama.Create(TinyLlama.Tied with { VocabularySize = Size });
        foreach (string name in (string[])["one", "two"])
            HuggingFaceWriter.Save(_folder.File(name), model, loaded.Tokenizer, loaded.SourceFiles);

        string kept = Path.Combine(_folder.File("one"), "tokenizer.gguf");
        Assert.Equal(["config.json", "model.safetensors", "tokenizer.gguf"], Directory.EnumerateFiles(_folder.File("one")).Select(Path.GetFileName).Order());
        Assert.Equal(File.ReadAllBytes(kept), File.ReadAllBytes(Path.Combine(_folder.File("two"), "tokenizer.gguf")));
        using (GgufFile file = GgufFile.Open(kept))
        {
            Assert.Empty(file.Tensors);
            Assert.Equal("{{ x }}", file.Metadata.Text(GgufTokenizerKeys.ChatTemplate));
            Assert.False(file.Metadata.Contains("llama.block_count"));
        }
        LoadedTokenizer again = TokenizerLoader.Load(_folder.File("one"));
        Assert.Equal([kept], again.SourceFiles);
        Assert.Equal(loaded.Tokenizer.Encode(Text), again.Tokenizer.Encode(Text));
        Assert.Equal((0, 1), (again.Tokenizer.BeginOfTextId, again.Tokenizer.EndOfTextId));

        // Written once more from the folder, the file stays what it is.
        HuggingFaceWriter.Save(_folder.File("three"), model, again.Tokenizer, again.SourceFiles);
        Assert.Equal(File.ReadAllBytes(kept), File.ReadAllBytes(Path.Combine(_folder.File("three"), "tokenizer.gguf")));
    }

    [Fact]
    public void A_chat_template_beside_a_tokenizer_goes_with_a_saved_model()
    {
        WriteModel();
        LoadedTokenizer loaded = TokenizerLoader.Load(_folder.File("tokenizer.json"));
        using LlamaModel model = TinyLlama.Create(TinyLlama.Tied with { VocabularySize = Size });
        HuggingFaceWriter.Save(_folder.File("saved"), model, loaded.Tokenizer, loaded.SourceFiles);

        Assert.Equal("{{ x }}", File.ReadAllText(Path.Combine(_folder.File("saved"), "chat_template.jinja")));
    }

    [Fact]
    public void Its_keys_are_copied_into_the_next_file_with_tokens_for_the_ids_it_lacks()
    {
        WriteModel();
        GgufMetadata same = new();
        GgufMetadata longer = new();
        Assert.Empty(GgufTokenizerWriter.Add(same, [Model], Size));
        Assert.Empty(GgufTokenizerWriter.Add(longer, [Model], Size + 2));

        using GgufFile file = GgufFile.Open(Model);
        IEnumerable<string> keys = file.Metadata.Select(pair => pair.Key).Where(key => key.StartsWith("tokenizer.", StringComparison.Ordinal));
        Assert.Equal(keys, same.Select(pair => pair.Key));
        Assert.Equal(keys, longer.Select(pair => pair.Key));
        Assert.Equal([.. file.Metadata.TextsOrNull(GgufTokenizerKeys.Tokens)!, $"[PAD{Size}]", $"[PAD{Size + 1}]"], longer.TextsOrNull(GgufTokenizerKeys.Tokens));
        Assert.Equal([1, 5, 5], longer.IntegersOrNull(GgufTokenizerKeys.TokenTypes)!.Skip(Size - 1));
        Assert.Equal(
            $"{Model}: has {Size} token ids, the model 300; use the tokenizer the model was trained with",
            Assert.Throws<InputException>(() => GgufTokenizerWriter.Add(new GgufMetadata(), [Model], 300)).Message);
    }

    [Fact]
    public void A_file_without_a_tokenizer_is_refused_and_leaves_nothing_behind()
    {
        GgufWriter.Write(Model, new GgufMetadata(), []);
        string message = $"{Model}: key \"tokenizer.ggml.model\" is absent, expected a string; export the model again";

        Assert.Equal(message, Assert.Throws<InputException>(() => TokenizerLoader.Load(Model)).Message);
        Assert.Equal(message, Assert.Throws<InputException>(() => GgufTokenizerFile.Extract(Model, _folder.File("tokenizer.gguf"))).Message);
        Assert.Equal(["model.gguf"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }
}
