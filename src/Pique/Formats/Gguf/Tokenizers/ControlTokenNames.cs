using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>Tokens that llama.cpp takes for control tokens by their text, whatever a file says: those that end a turn or a text, and those of filling in the middle.</summary>
/// <remarks>https://github.com/ggml-org/llama.cpp/blob/master/src/llama-vocab.cpp, "auto-detect special tokens by text" and "cause end-of-generation".</remarks>
internal static class ControlTokenNames
{
    private static readonly HashSet<string> Names = new(StringComparer.Ordinal)
    {
        "<|eot_id|>", "<|eom_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|calls|>", "<|flush|>", "<|endoftext|>", "<|end_of_text|>",
        "<end_of_turn>", "<end_of_utterance>", "<turn|>", "<|tool_response>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<eos>", "</s>", "[e~[",
        "<｜end▁of▁sentence｜>",
        "<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<｜fim▁begin｜>", "<PRE>", "▁<PRE>", "<|code_prefix|>", "<|prefix|>",
        "<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<｜fim▁hole｜>", "<SUF>", "▁<SUF>", "<|code_suffix|>", "<|suffix|>",
        "<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<｜fim▁end｜>", "<MID>", "▁<MID>", "<|code_middle|>", "<|middle|>",
        "<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]", "<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>",
    };

    /// <summary>What a token is for in llama.cpp.</summary>
    /// <param name="type">What the file says.</param>
    /// <param name="text">Text of the token.</param>
    public static PieceType Effective(PieceType type, string text) => type == PieceType.UserDefined && Names.Contains(text) ? PieceType.Control : type;
}
