using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>The normalizer of a <c>tokenizer.json</c> taken apart into what llama.cpp does, what it does not, and the rest.</summary>
internal sealed class NormalizerSteps
{
    private const string VisibleSpace = "▁";

    private NormalizerSteps()
    {
    }

    /// <summary>Whether spaces are written as U+2581.</summary>
    public bool MakesSpacesVisible { get; private set; }

    /// <summary>Whether a space is put before every text.</summary>
    public bool AddsPrefix { get; private set; }

    /// <summary>Whether characters are composed (NFC).</summary>
    public bool Composes { get; private set; }

    /// <summary>The first step of another kind, or null.</summary>
    public JsonField? Other { get; private set; }

    /// <summary>Takes a normalizer apart.</summary>
    /// <param name="field">Its description, or a missing field.</param>
    public static NormalizerSteps Of(JsonField field)
    {
        NormalizerSteps steps = new();
        if (!field.IsNull)
            steps.Add(field);
        return steps;
    }

    private void Add(JsonField field)
    {
        switch (field["type"].Text())
        {
            case "Sequence":
                foreach (JsonField part in field["normalizers"].Items())
                    Add(part);
                break;
            case "NFC":
                Composes = true;
                break;
            case "Prepend" when field["prepend"].Text() == VisibleSpace:
                AddsPrefix = true;
                break;
            case "Replace" when field["pattern"]["String"].OptionalText() == " " && field["content"].Text() == VisibleSpace:
                MakesSpacesVisible = true;
                break;
            default:
                Other ??= field;
                break;
        }
    }
}
