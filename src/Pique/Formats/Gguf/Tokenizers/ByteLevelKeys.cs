using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>Describes byte pairs over the byte alphabet: GPT-2 and what descends from it.</summary>
internal static class ByteLevelKeys
{
    /// <summary>Adds the keys of model, pre-tokenizer, tokens and merges.</summary>
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
        if (normalizer.MakesSpacesVisible || normalizer.AddsPrefix)
            throw TokenizerJsonKeys.NoForm(root["normalizer"], "a normalizer of spaces ahead of the byte alphabet");
        PreTokenizer preTokenizer = Choose(root, vocabulary, steps, warnings);
        GgufVocabulary tokens = new(root.File, [.. vocabulary.TokensById.Select((text, id) => text is null ? default((string, float, PieceType)?) : (text, 0f, TokenizerJsonKeys.TypeOf(vocabulary, id, text)))], vocabularySize);
        metadata.Add(GgufTokenizerKeys.Model, GgufTokenizerKeys.BytePairModel);
        metadata.Add(GgufTokenizerKeys.PreTokenizer, preTokenizer.Name);
        tokens.Write(metadata, withScores: false);
        metadata.Add(GgufTokenizerKeys.Merges, (IReadOnlyList<string>)[.. vocabulary.Merges.Select((merge, index) => WriteMerge(vocabulary, merge, index))]);

        if (steps.AddsPrefixSpace)
            warnings.Add($"{root.File}: puts a space before a text that opens with none; llama.cpp does not, begin prompts with one.");
        if (preTokenizer.Deviation is { } deviation)
            warnings.Add($"{root.File}: llama.cpp cuts text otherwise than this tokenizer: {deviation}.");
        int missing = ByteLevelAlphabet.Characters.Count(character => !vocabulary.Vocabulary.ContainsKey(character.ToString()));
        if (missing > 0)
            warnings.Add($"{root.File}: has no token for {missing} of the 256 bytes; llama.cpp leaves such bytes out of a text.");
    }

    private static PreTokenizer Choose(JsonField root, TokenizerJsonVocabulary vocabulary, SplitterSteps steps, List<string> warnings)
    {
        JsonField field = root["pre_tokenizer"];
        if (steps.Patterns is not { } patterns || steps.Metaspace is not null)
            throw TokenizerJsonKeys.NoForm(field, "a step that cuts text otherwise than by patterns ahead of the byte alphabet");
        PreTokenizer[] candidates = [.. PreTokenizers.Find(patterns)];
        if (candidates.Length == 0)
        {
            string found = patterns.Count == 0 ? "a text left whole" : $"a text cut by {string.Join(" then ", patterns)}";
            throw TokenizerJsonKeys.NoForm(field, found);
        }
        PreTokenizer chosen = candidates.FirstOrDefault(candidate => candidate.IgnoresMerges == vocabulary.IgnoresMerges) ?? candidates[0];
        if (chosen.IgnoresMerges != vocabulary.IgnoresMerges && Unreached(vocabulary) is { Count: > 0 } unreached)
        {
            string whole = vocabulary.IgnoresMerges ? "this tokenizer takes a word that is one whole, llama.cpp does not" : "llama.cpp takes a word that is one whole, this tokenizer does not";
            warnings.Add($"{root.File}: its merges do not make {TextFidelity.Count(unreached.Count, "token", "tokens")}, {TextFidelity.List(unreached)}; {whole}.");
        }
        return chosen;
    }

    /// <summary>Tokens that their own text does not become by merging.</summary>
    private static List<string> Unreached(TokenizerJsonVocabulary vocabulary)
    {
        MergeRules rules = MergeRules.FromList(vocabulary.Vocabulary, vocabulary.Merges, vocabulary.MergesWhere);
        List<string> unreached = [];
        foreach ((string token, int id) in vocabulary.Vocabulary)
        {
            if (!vocabulary.SpecialIds.Contains(id) && (TokenMerging.Merge(token, vocabulary.Vocabulary, rules, out _) is not { } ids || !ids.SequenceEqual([id])))
                unreached.Add(token);
        }
        return unreached;
    }

    private static string WriteMerge(TokenizerJsonVocabulary vocabulary, (string Left, string Right) merge, int index) => merge.Left.Contains(' ') || merge.Right.Contains(' ')
        ? throw new InputException($"{vocabulary.MergesWhere}[{index}]: \"{merge.Left}\" + \"{merge.Right}\" holds a space, for which GGUF has no form; export to safetensors instead")
        : $"{merge.Left} {merge.Right}";
}
