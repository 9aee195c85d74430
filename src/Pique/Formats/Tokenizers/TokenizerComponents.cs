using System.Text.RegularExpressions;

namespace Pique.Formats.Tokenizers;

/// <summary>Makes normalizers and pre-tokenizers from their description in a <c>tokenizer.json</c>.</summary>
internal static class TokenizerComponents
{
    /// <summary>Longest a pattern taken from a file may work on one text; patterns can be written to take forever.</summary>
    private static readonly TimeSpan PatternTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Longest pattern taken from a file.</summary>
    private const int MaximumPatternLength = 10_000;

    /// <summary>Makes a normalizer; null where there is none.</summary>
    public static ITextNormalizer? Normalizer(JsonField field)
    {
        if (field.IsNull)
            return null;
        string type = field["type"].Text();
        return type switch
        {
            "Sequence" => new SequenceNormalizer([.. field["normalizers"].Items().Select(Normalizer).OfType<ITextNormalizer>()]),
            "NFC" => new ComposingNormalizer(),
            "Prepend" => new PrependNormalizer(field["prepend"].Text()),
            "Replace" => new ReplaceNormalizer(Pattern(field["pattern"]), field["content"].Text()),
            _ => throw field.Unsupported(type, "Sequence", "NFC", "Prepend", "Replace"),
        };
    }

    /// <summary>Makes a pre-tokenizer; null where there is none.</summary>
    public static ITextSplitter? Splitter(JsonField field)
    {
        if (field.IsNull)
            return null;
        string type = field["type"].Text();
        return type switch
        {
            "Sequence" => new SequenceSplitter([.. field["pretokenizers"].Items().Select(Splitter).OfType<ITextSplitter>()]),
            "Digits" => new DigitSplitter(field["individual_digits"].Flag(false)),
            "ByteLevel" => new ByteLevelSplitter(field["add_prefix_space"].Flag(true), field["use_regex"].Flag(true)),
            "Split" => new PatternSplitter(Pattern(field["pattern"]), Behavior(field["behavior"]), field["invert"].Flag(false), field.Where),
            "Metaspace" => new MetaspaceSplitter(Replacement(field), Scheme(field), field["split"].Flag(true)),
            _ => throw field.Unsupported(type, "Sequence", "Digits", "ByteLevel", "Split", "Metaspace"),
        };
    }

    /// <summary>True where the component or one inside it is of a type.</summary>
    public static bool Contains(JsonField field, string type, string children) =>
        !field.IsNull && (field["type"].Text() == type || field[children].Items().Any(child => Contains(child, type, children)));

    /// <summary>The character that a Metaspace component writes for a space.</summary>
    public static char Replacement(JsonField field)
    {
        string? replacement = field["replacement"].OptionalText();
        return replacement switch
        {
            null => '▁',
            { Length: 1 } => replacement[0],
            _ => throw field["replacement"].Wrong("one character"),
        };
    }

    /// <summary>Where a Metaspace component puts a missing leading space.</summary>
    public static PrefixScheme Scheme(JsonField field)
    {
        string? scheme = field["prepend_scheme"].OptionalText();
        return scheme switch
        {
            null => field["add_prefix_space"].Flag(true) ? PrefixScheme.Always : PrefixScheme.Never,
            "always" => PrefixScheme.Always,
            "first" => PrefixScheme.First,
            "never" => PrefixScheme.Never,
            _ => throw field["prepend_scheme"].Unsupported(scheme, "always", "first", "never"),
        };
    }

    /// <summary>A pattern: fixed text (<c>String</c>) or a regular expression (<c>Regex</c>).</summary>
    public static Regex Pattern(JsonField field)
    {
        JsonField literal = field["String"];
        JsonField source = literal.IsNull ? field["Regex"] : literal;
        string pattern = source.Text();
        if (pattern.Length is 0 or > MaximumPatternLength)
            throw source.Wrong($"a pattern of 1 to {MaximumPatternLength} characters");
        try
        {
            return new Regex(literal.IsNull ? pattern : Regex.Escape(pattern), RegexOptions.CultureInvariant | RegexOptions.Compiled, PatternTimeout);
        }
        catch (ArgumentException exception)
        {
            throw new InputException(
                $"{source.Where}: the pattern {pattern} is none that .NET understands ({exception.Message}); use a checkpoint with a plainer pattern.", exception);
        }
    }

    private static SplitBehavior Behavior(JsonField field)
    {
        string behavior = field.Text();
        return behavior switch
        {
            "Isolated" => SplitBehavior.Isolated,
            "Removed" => SplitBehavior.Removed,
            "MergedWithPrevious" => SplitBehavior.MergedWithPrevious,
            "MergedWithNext" => SplitBehavior.MergedWithNext,
            "Contiguous" => SplitBehavior.Contiguous,
            _ => throw field.Unsupported(behavior, "Isolated", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous"),
        };
    }
}
