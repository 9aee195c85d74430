using System.Text.RegularExpressions;
using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>A way of cutting text before merging that llama.cpp has under a name.</summary>
/// <param name="Name">Value of <see cref="GgufTokenizerKeys.PreTokenizer"/>.</param>
/// <param name="Patterns">Each cuts the pieces that the one before left: every match is a piece, and so is all between.</param>
internal sealed record PreTokenizer(string Name, params IReadOnlyList<string> Patterns)
{
    private ITextSplitter? _splitter;

    /// <summary>Other names of the same.</summary>
    public IReadOnlyList<string> Aliases { get; init; } = [];

    /// <summary>Whether under this name llama.cpp takes a piece that is a token whole, whatever the merges say.</summary>
    public bool IgnoresMerges { get; init; }

    /// <summary>How llama.cpp cuts otherwise than the patterns; null where it does not.</summary>
    public string? Deviation { get; init; }

    /// <summary>The splitter: the patterns, then the byte alphabet.</summary>
    public ITextSplitter Splitter => _splitter ??= new SequenceSplitter(
    [
        .. Patterns.Select(pattern => new PatternSplitter(
            new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.Compiled), SplitBehavior.Isolated, invert: false, $"pre-tokenizer {Name}")),
        new ByteLevelSplitter(addPrefixSpace: false, splitWords: false),
    ]);
}
