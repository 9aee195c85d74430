using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>Describes the tokenizer of a tokenizer.json: over the byte alphabet, or as SentencePiece writes text.</summary>
internal static class TokenizerJsonKeys
{
    private const string OtherExport = "export to safetensors instead";

    /// <summary>Adds the keys.</summary>
    /// <param name="metadata">Takes the keys.</param>
    /// <param name="path">The tokenizer.json.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="vocabularySize">Rows of the model's embedding.</param>
    /// <param name="warnings">Takes what llama.cpp does otherwise.</param>
    /// <exception cref="InputException">The file is malformed, or llama.cpp has no form for the tokenizer.</exception>
    public static void Write(GgufMetadata metadata, string path, string folder, int vocabularySize, List<string> warnings)
    {
        JsonField root = JsonField.ReadFile(path, TokenizerFile.MaximumBytes);
        TokenizerJsonVocabulary vocabulary = TokenizerJsonVocabulary.Read(root);
        SplitterSteps steps = SplitterSteps.Of(root["pre_tokenizer"]);
        NormalizerSteps normalizer = NormalizerSteps.Of(root["normalizer"]);
        if (normalizer.Other is { } other)
            throw NoForm(other, $"\"{other["type"].Text()}\"");
        if (normalizer.Composes)
            warnings.Add($"{path}: composes characters before it encodes them (NFC); llama.cpp does not, and gives text with combining marks other tokens.");
        if (steps.IsByteLevel)
            ByteLevelKeys.Write(metadata, root, vocabulary, steps, normalizer, vocabularySize, warnings);
        else
            ScoredKeys.Write(metadata, root, vocabulary, steps, normalizer, vocabularySize, warnings);

        SpecialTokenIds ids = SpecialTokenIds.Read(folder, vocabulary.IdOf, root["post_processor"]);
        SpecialTokenIds added = SpecialTokenIds.FromTemplate(root["post_processor"], vocabulary.IdOf);
        SpecialTokenKeys.Write(
            metadata, folder, vocabulary.IdOf, (ids.Begin, ids.End, vocabulary.UnknownId), added.Begin == ids.Begin && added.Begin is not null, added.End == ids.End && added.End is not null, vocabularySize);
        string[] typed = [.. vocabulary.TextTokens.Select(token => token.Content)];
        string[] unseen = [.. typed.Where(token => ControlTokenNames.Effective(PieceType.UserDefined, token) == PieceType.Control)];
        if (unseen.Length > 0)
            warnings.Add($"{path}: finds {TextFidelity.Count(unseen.Length, "added token", "added tokens")} in plain text, {TextFidelity.List(unseen)}, that llama.cpp finds only where it looks for special tokens.");
        TextFidelity.WarnOfOverlaps(path, [.. typed.Except(unseen)], warnings);
    }

    /// <summary>The error for a part that no key describes.</summary>
    public static InputException NoForm(JsonField part, string found) => new($"{part.Where}: {found} is nothing that llama.cpp does; {OtherExport}");

    /// <summary>What a token is for.</summary>
    /// <param name="vocabulary">The vocabulary.</param>
    /// <param name="id">Id of the token.</param>
    /// <param name="text">Its text.</param>
    public static PieceType TypeOf(TokenizerJsonVocabulary vocabulary, int id, string text) =>
        vocabulary.SpecialIds.Contains(id) ? PieceType.Control
        : vocabulary.TextIds.Contains(id) ? ControlTokenNames.Effective(PieceType.UserDefined, text)
        : PieceType.Normal;
}
