using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>Describes byte pairs over text as SentencePiece writes it, spaces as U+2581: merges become scores.</summary>
/// <remarks>
/// llama.cpp merges such a vocabulary by the score of what results and does not know pairs. A token's score is minus the rank of the merge that
/// makes it when its text stands alone: no other merge ever makes it (see <see cref="TextFidelity"/>), so the order of all merges is kept.
/// llama.cpp's own converter gives every token the same score and so loses it.
/// </remarks>
internal static class ScoredKeys
{
    /// <summary>Adds the keys of model, tokens and scores.</summary>
    /// <param name="metadata">Takes the keys.</param>
    /// <param name="root">The tokenizer.json.</param>
    /// <param name="vocabulary">Its vocabulary.</param>
    /// <param name="steps">Its pre-tokenizer.</param>
    /// <param name="normalizer">Its normalizer.</param>
    /// <param name="vocabularySize">Rows of the model's embedding.</param>
    /// <param name="warnings">Takes what llama.cpp does otherwise.</param>
    public static void Write(
        GgufMetadata metadata, JsonField root, TokenizerJsonVocabulary vocabulary, SplitterSteps steps, NormalizerSteps normalizer, int vocabularySize, List<string> warnings)
    {
        PrefixScheme scheme = ReadSpaces(root, vocabulary, steps, normalizer, warnings);
        GgufVocabulary tokens = new(root.File, Score(vocabulary), vocabularySize);
        metadata.Add(GgufTokenizerKeys.Model, GgufTokenizerKeys.SentencePieceModel);
        metadata.Add(GgufTokenizerKeys.PreTokenizer, GgufTokenizerKeys.DefaultPreTokenizer);
        tokens.Write(metadata, withScores: true);
        metadata.Add(GgufTokenizerKeys.AddsSpacePrefix, scheme != PrefixScheme.Never);
        TextFidelity.WarnOfUnknownCharacters(root.File, tokens, vocabulary.FallsBackToBytes, warnings);
        TextFidelity.WarnOfTokens(root.File, tokens, vocabulary.BuildModel(), warnings);
    }

    /// <summary>Finds out what becomes of spaces.</summary>
    private static PrefixScheme ReadSpaces(JsonField root, TokenizerJsonVocabulary vocabulary, SplitterSteps steps, NormalizerSteps normalizer, List<string> warnings)
    {
        JsonField field = root["pre_tokenizer"];
        if (steps.Metaspace is not { } metaspace)
        {
            if (steps.Patterns is not [])
                throw TokenizerJsonKeys.NoForm(field, "a text cut otherwise than before spaces");
            if (!normalizer.MakesSpacesVisible)
                throw TokenizerJsonKeys.NoForm(root["normalizer"], "a text whose spaces stay spaces");
            return normalizer.AddsPrefix ? PrefixScheme.Always : PrefixScheme.Never;
        }

        if (steps.Patterns is not [] || TokenizerComponents.Replacement(metaspace) != '▁')
            throw TokenizerJsonKeys.NoForm(field, "a text cut otherwise than before spaces");
        PrefixScheme scheme = TokenizerComponents.Scheme(metaspace);
        if (scheme != PrefixScheme.Never && !normalizer.AddsPrefix)
            warnings.Add($"{root.File}: puts a space before a text that opens with none; llama.cpp puts one before every text.");
        if (scheme == PrefixScheme.First && vocabulary.TextTokens.Count > 0)
            warnings.Add($"{root.File}: llama.cpp puts a space before the text that follows an added token such as \"{vocabulary.TextTokens[0].Content}\"; this tokenizer does not.");
        string[] crossing = [.. vocabulary.Vocabulary.Keys.Where(token => token.IndexOf('▁', 1) > 0)];
        if (metaspace["split"].Flag(true) && crossing.Length > 0)
            warnings.Add($"{root.File}: cuts text before every space; llama.cpp merges across it into {TextFidelity.Count(crossing.Length, "token", "tokens")}, {TextFidelity.List(crossing)}.");
        return normalizer.AddsPrefix ? PrefixScheme.Always : scheme;
    }

    private static List<(string Text, float Score, PieceType Type)?> Score(TokenizerJsonVocabulary vocabulary)
    {
        MergeRules rules = MergeRules.FromList(vocabulary.Vocabulary, vocabulary.Merges, vocabulary.MergesWhere);
        List<(string, float, PieceType)?> tokens = [];
        for (int id = 0; id < vocabulary.TokensById.Count; id++)
        {
            if (vocabulary.TokensById[id] is not { } text)
            {
                tokens.Add(null);
                continue;
            }
            bool made = TokenMerging.Merge(text, vocabulary.Vocabulary, rules, out int? rank)?.SequenceEqual([id]) ?? false;
            PieceType type = TypeOf(vocabulary, text, id);
            tokens.Add((SentencePieceKeys.TypedText(text, type), made && rank is int known ? -known : -vocabulary.Merges.Count, type));
        }
        return tokens;
    }

    private static PieceType TypeOf(TokenizerJsonVocabulary vocabulary, string text, int id) =>
        id == vocabulary.UnknownId ? PieceType.Unknown
        : TokenDecoder.ByteOf(text) is not null && vocabulary.FallsBackToBytes ? PieceType.Byte
        : TokenizerJsonKeys.TypeOf(vocabulary, id, text);
}
