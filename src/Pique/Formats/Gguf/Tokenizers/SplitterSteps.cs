using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>The pre-tokenizer of a <c>tokenizer.json</c> taken apart into patterns, to be compared with those of <see cref="PreTokenizers"/>.</summary>
internal sealed class SplitterSteps
{
    private readonly List<string> _patterns = [];

    private SplitterSteps()
    {
    }

    /// <summary>Patterns in order; null where a step cuts in a way that no list of patterns says.</summary>
    public IReadOnlyList<string>? Patterns => CutsOtherwise ? null : _patterns;

    /// <summary>Whether the pieces are written in the byte alphabet.</summary>
    public bool IsByteLevel { get; private set; }

    /// <summary>Whether a space is put before a text that opens with none.</summary>
    public bool AddsPrefixSpace { get; private set; }

    /// <summary>The Metaspace step, where there is one.</summary>
    public JsonField? Metaspace { get; private set; }

    private bool CutsOtherwise { get; set; }

    /// <summary>Takes a pre-tokenizer apart.</summary>
    /// <param name="field">Its description, or a missing field.</param>
    public static SplitterSteps Of(JsonField field)
    {
        SplitterSteps steps = new();
        if (!field.IsNull)
            steps.Add(field);
        return steps;
    }

    private void Add(JsonField field)
    {
        string type = field["type"].Text();
        if (type == "Sequence")
        {
            foreach (JsonField part in field["pretokenizers"].Items())
                Add(part);
            return;
        }

        // A step after the byte alphabet sees the alphabet instead of the text.
        CutsOtherwise |= IsByteLevel;
        switch (type)
        {
            case "Digits":
                _patterns.Add(field["individual_digits"].Flag(false) ? SplitPatterns.Numeral : SplitPatterns.Numerals);
                break;
            case "ByteLevel":
                IsByteLevel = true;
                AddsPrefixSpace = field["add_prefix_space"].Flag(true);
                if (field["use_regex"].Flag(true))
                    _patterns.Add(SplitPatterns.Gpt2);
                break;
            case "Split" when field["pattern"]["Regex"] is { IsNull: false } pattern && KeepsMatches(field):
                _patterns.Add(pattern.Text());
                break;
            case "Metaspace":
                Metaspace = field;
                break;
            default:
                CutsOtherwise = true;
                break;
        }
    }

    /// <summary>Matches are pieces, and so is the text between them, or nothing of it is left: then dropping it changes nothing.</summary>
    private static bool KeepsMatches(JsonField field)
    {
        bool invert = field["invert"].Flag(false);
        return field["behavior"].Text() switch
        {
            "Isolated" => true,
            "Removed" => invert && MatchesEverything(field["pattern"]["Regex"].Text()),
            _ => false,
        };
    }

    private static bool MatchesEverything(string pattern) => pattern
        is SplitPatterns.Gpt2 or SplitPatterns.Llama3 or SplitPatterns.Qwen2 or SplitPatterns.Qwen35 or SplitPatterns.Tekken or SplitPatterns.Gpt4O;
}
