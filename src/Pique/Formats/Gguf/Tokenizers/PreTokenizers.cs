namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>The pre-tokenizers that Pique reads and writes: those of Llama, Mistral, Qwen and SmolLM models, of what they descend from, and others that cut with the same patterns.</summary>
/// <remarks>Names and patterns are those of llama.cpp, src/llama-vocab.cpp.</remarks>
internal static class PreTokenizers
{
    private const string CasesBeyondAscii = "letters beyond ASCII count as both upper and lower case, and combining marks as no letters";

    /// <summary>All of them; of two with the same patterns the first is written.</summary>
    public static IReadOnlyList<PreTokenizer> All { get; } =
    [
        new("gpt-2", SplitPatterns.Gpt2)
        {
            Aliases = ["phi-2", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4", "gigachat", "a.x-4.0", "mellum", "modern-bert", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de"],
        },
        new("smollm", SplitPatterns.Numeral, SplitPatterns.Gpt2)
        {
            Aliases = ["starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"],
        },
        new("llama-bpe", SplitPatterns.Llama3)
        {
            Aliases = ["llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"],
            IgnoresMerges = true,
        },
        new("dbrx", SplitPatterns.Llama3) { Aliases = ["smaug-bpe", "glm4", "chatglm-bpe"] },
        new("qwen2", SplitPatterns.Qwen2)
        {
            Aliases = ["deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan", "solar-open", "grok-2"],
        },
        new("qwen35", SplitPatterns.Qwen35),
        new("seed-coder", SplitPatterns.SeedCoder),
        new("tekken", SplitPatterns.Tekken) { IgnoresMerges = true, Deviation = CasesBeyondAscii },
        new("gpt-4o", SplitPatterns.Gpt4O) { Aliases = ["llama4", "kanana2", "talkie", "minimax-m2"], Deviation = CasesBeyondAscii },
        new("deepseek-coder", "[\r\n]", @"\s?\p{L}+", @"\s?\p{P}+", "[一-龥ࠀ-一가-\uD7FF]+", SplitPatterns.Numeral),
        new("falcon", @"[\p{P}\$\+<=>\^~\|`]+", SplitPatterns.Gpt2, SplitPatterns.ThreeDigits),
        new(GgufTokenizerKeys.DefaultPreTokenizer, @"[\p{P}\$\+<=>\^~\|]+", SplitPatterns.Gpt2, SplitPatterns.Numerals, SplitPatterns.ThreeDigits),
    ];

    /// <summary>The pre-tokenizer of a name; null where Pique does not know it.</summary>
    public static PreTokenizer? Find(string name) => All.FirstOrDefault(known => known.Name == name || known.Aliases.Contains(name));

    /// <summary>The pre-tokenizers that cut with these patterns and no others.</summary>
    public static IEnumerable<PreTokenizer> Find(IReadOnlyList<string> patterns) => All.Where(known => known.Patterns.SequenceEqual(patterns));
}
