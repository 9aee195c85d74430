using System.Text.RegularExpressions;

namespace Pique.Formats.Tokenizers;

/// <summary>Patterns that are part of a component's definition, compiled with the program.</summary>
internal static partial class Patterns
{
    /// <summary>GPT-2's words: contractions, letters, numerals and the rest, each with at most one leading space, and runs of white space.</summary>
    [GeneratedRegex(@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", RegexOptions.CultureInvariant)]
    public static partial Regex Gpt2Words();

    /// <summary>Two spaces or more.</summary>
    [GeneratedRegex(" {2,}")]
    public static partial Regex SpaceRuns();
}
