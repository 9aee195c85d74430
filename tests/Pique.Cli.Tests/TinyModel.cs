using Pique.Formats.HuggingFace;
using Pique.Formats.Tokenizers;
using Pique.Models.Llama;

namespace Pique.Cli.Tests;

/// <summary>A Llama of random weights with a vocabulary of its own, saved as a Hugging Face folder.</summary>
internal static class TinyModel
{
    public const int ContextTokens = 64;

    /// <summary>Forty short texts in the format of a text file.</summary>
    public static string Texts { get; } = string.Join(
        "<|endoftext|>\n", Enumerable.Range(0, 40).Select(index => $"The cat number {index} sat on the mat and saw {index + 3} dogs.\n"));

    /// <summary>Saves a model whose byte-level vocabulary knows every text.</summary>
    public static string Save(string folder, Func<LlamaConfig, LlamaConfig>? change = null)
    {
        string tokenizerFolder = folder + "-tokenizer";
        TokenizerJsonWriter.Write(tokenizerFolder, BytePairTrainer.Train([Texts], vocabularySize: 300));
        return Save(folder, tokenizerFolder, change);
    }

    /// <summary>Saves a model that knows the letters a and b and nothing else.</summary>
    public static string SaveWithTwoLetters(string folder)
    {
        string tokenizerFolder = Directory.CreateDirectory(folder + "-tokenizer").FullName;
        File.WriteAllText(Path.Combine(tokenizerFolder, "tokenizer.json"), """
            {"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":null,"post_processor":null,"decoder":null,
            "model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}
            """);
        return Save(folder, tokenizerFolder);
    }

    private static string Save(string folder, string tokenizerFolder, Func<LlamaConfig, LlamaConfig>? change = null)
    {
        LoadedTokenizer tokenizer = TokenizerLoader.Load(tokenizerFolder);
        var config = new LlamaConfig
        {
            VocabularySize = tokenizer.Tokenizer.VocabularySize,
            HiddenSize = 16,
            IntermediateSize = 24,
            LayerCount = 2,
            HeadCount = 2,
            KeyValueHeadCount = 1,
            HeadSize = 8,
            ContextTokens = ContextTokens,
            TieWordEmbeddings = true,
        };
        using var model = new LlamaModel(change is null ? config : change(config));
        LlamaInitializer.Initialize(model, seed: 1);
        HuggingFaceWriter.Save(folder, model, tokenizer.Tokenizer, tokenizer.SourceFiles);
        Directory.Delete(tokenizerFolder, recursive: true);
        return folder;
    }
}
