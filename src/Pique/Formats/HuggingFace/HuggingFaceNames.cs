using Pique.Formats.Gguf.Tokenizers;
using Pique.Formats.Tokenizers;

namespace Pique.Formats.HuggingFace;

/// <summary>Names of the files of a Hugging Face model folder.</summary>
internal static class HuggingFaceNames
{
    /// <summary>Shape of the model.</summary>
    public const string Config = "config.json";

    /// <summary>All weights.</summary>
    public const string Weights = "model.safetensors";

    /// <summary>Which shard holds which weight, where there is more than one file.</summary>
    public const string Index = "model.safetensors.index.json";

    /// <summary>Files of the tokenizer and of generation, copied as they are.</summary>
    private static readonly string[] Companions =
    [
        "tokenizer.json", "tokenizer.model", "tokenizer.bin", GgufTokenizerFile.FileName, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        SpecialTokenIds.ChatTemplateName, "generation_config.json",
    ];

    /// <summary>Whether a file of this name belongs to a folder that Pique writes.</summary>
    /// <param name="fileName">Name without folder.</param>
    public static bool IsWritten(string fileName) => fileName is Config or Weights || Companions.Contains(fileName);

    /// <summary>Name under which a tokenizer file is kept in a model folder.</summary>
    /// <param name="path">The file, for example "tok512.model".</param>
    /// <exception cref="ArgumentException">The file is none of a tokenizer.</exception>
    public static string CompanionName(string path)
    {
        string fileName = Path.GetFileName(path);
        if (Companions.Contains(fileName))
            return fileName;
        return Path.GetExtension(fileName) switch
        {
            ".model" => "tokenizer.model",
            ".bin" => "tokenizer.bin",
            ".json" => "tokenizer.json",
            GgufTokenizerFile.Extension => GgufTokenizerFile.FileName,
            _ => throw new ArgumentException($"{path}: is no tokenizer file", nameof(path)),
        };
    }
}
