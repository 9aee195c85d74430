namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>Patterns that published tokenizers cut text with before merging, as their tokenizer.json files state them.</summary>
internal static class SplitPatterns
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";

    /// <summary>An upper-case run, then a lower-case one; either letters of no case may belong to.</summary>
    private const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";
    private const string Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";

    /// <summary>One numeral.</summary>
    public const string Numeral = @"\p{N}";

    /// <summary>A run of numerals.</summary>
    public const string Numerals = @"\p{N}+";

    /// <summary>GPT-2's words.</summary>
    public const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    /// <summary>Llama 3: numerals in threes.</summary>
    public const string Llama3 = Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Qwen2: numerals one by one.</summary>
    public const string Qwen2 = Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Qwen3.5: marks belong to words.</summary>
    public const string Qwen35 = Contractions + @"|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Seed-Coder: no line breaks after punctuation.</summary>
    public const string SeedCoder = Contractions + @"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Mistral's Tekken: words are cut where case rises.</summary>
    public const string Tekken = $@"[^\r\n\p{{L}}\p{{N}}]?{Upper}*{Lower}+|[^\r\n\p{{L}}\p{{N}}]?{Upper}+{Lower}*|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>GPT-4o: as Tekken, with contractions and numerals in threes.</summary>
    public const string Gpt4O = $@"[^\r\n\p{{L}}\p{{N}}]?{Upper}*{Lower}+{Contractions}?|[^\r\n\p{{L}}\p{{N}}]?{Upper}+{Lower}*{Contractions}?|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Three ASCII digits.</summary>
    public const string ThreeDigits = "[0-9][0-9][0-9]";
}
