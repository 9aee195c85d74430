namespace Pique.Formats.HuggingFace;

/// <summary>Names of the files of a Hugging Face model folder.</summary>
internal static class HuggingFaceNames
{
    public const string Config = "config.json";
    public const string Weights = "model.safetensors";
    public const string Index = "model.safetensors.index.json";

    /// <summary>Files that belong to the tokenizer or to generation and are copied as they are.</summary>
    public static readonly IReadOnlyList<string> Companions =
    [
        "tokenizer.json", "tokenizer.model", "tokenizer.bin", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "generation_config.json",
    ];
}
