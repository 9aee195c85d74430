namespace Pique.Formats.Tokenizers;

/// <summary>Reads a Hugging Face <c>tokenizer.json</c> that holds a byte-pair model.</summary>
internal static class TokenizerJsonReader
{
    /// <summary>Reads the file; the ids of special tokens come from the files beside it.</summary>
    /// <exception cref="InputException">The file is missing, malformed, too large or uses a component that is not supported.</exception>
    public static BytePairTokenizer Read(string path)
    {
        JsonField root = JsonField.ReadFile(path, TokenizerFile.MaximumBytes);
        TokenizerJsonVocabulary vocabulary = TokenizerJsonVocabulary.Read(root);
        BytePairModel pairs = vocabulary.BuildModel();
        SpecialTokenIds special = SpecialTokenIds.Read(Path.GetDirectoryName(Path.GetFullPath(path))!, vocabulary.IdOf, root["post_processor"]);
        bool everyByte = TokenizerComponents.Contains(root["pre_tokenizer"], "ByteLevel", "pretokenizers")
            && ByteLevelAlphabet.Characters.All(character => pairs.Knows(character.ToString()));
        return new BytePairTokenizer
        {
            Normalizer = TokenizerComponents.Normalizer(root["normalizer"]),
            Splitter = TokenizerComponents.Splitter(root["pre_tokenizer"]),
            AddedTokens = vocabulary.TextTokens.Count == 0 ? null : new AddedTokens(vocabulary.TextTokens),
            Model = pairs,
            Decoder = DecoderReader.Read(root, vocabulary.TokensById, vocabulary.Added.Values.ToHashSet(), vocabulary.SpecialIds),
            BeginOfTextId = special.Begin,
            EndOfTextId = special.End,
            UnknownId = everyByte || pairs.FallsBackToEveryByte ? null : vocabulary.UnknownId,
        };
    }
}
