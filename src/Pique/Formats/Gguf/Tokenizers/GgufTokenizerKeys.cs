namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>Keys and values by which a GGUF file describes its tokenizer.</summary>
/// <remarks>https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, "Tokenizer".</remarks>
internal static class GgufTokenizerKeys
{
    /// <summary>What all keys of the tokenizer begin with.</summary>
    public const string Prefix = "tokenizer.";

    public const string Model = "tokenizer.ggml.model";
    public const string PreTokenizer = "tokenizer.ggml.pre";
    public const string Tokens = "tokenizer.ggml.tokens";
    public const string Scores = "tokenizer.ggml.scores";
    public const string TokenTypes = "tokenizer.ggml.token_type";
    public const string Merges = "tokenizer.ggml.merges";
    public const string BeginId = "tokenizer.ggml.bos_token_id";
    public const string EndId = "tokenizer.ggml.eos_token_id";
    public const string UnknownId = "tokenizer.ggml.unknown_token_id";
    public const string AddsBegin = "tokenizer.ggml.add_bos_token";
    public const string AddsEnd = "tokenizer.ggml.add_eos_token";
    public const string AddsSpacePrefix = "tokenizer.ggml.add_space_prefix";

    /// <summary>Part of the format; of the kinds of tokenizers read here, llama.cpp does not heed it.</summary>
    public const string RemovesExtraSpaces = "tokenizer.ggml.remove_extra_whitespaces";

    public const string ChatTemplate = "tokenizer.chat_template";
    public const string ChatTemplates = "tokenizer.chat_templates";

    /// <summary>Value of <see cref="Model"/>: SentencePiece with scores.</summary>
    public const string SentencePieceModel = "llama";

    /// <summary>Value of <see cref="Model"/>: byte pairs with merges over the byte alphabet.</summary>
    public const string BytePairModel = "gpt2";

    /// <summary>Value of <see cref="PreTokenizer"/> where nothing is to be said, and llama.cpp's choice where the key is absent.</summary>
    public const string DefaultPreTokenizer = "default";
}
