using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>Describes a SentencePiece vocabulary.</summary>
internal static class SentencePieceKeys
{
    /// <summary>Score of tokens that stand beside the vocabulary, as llama.cpp's converter gives it.</summary>
    private const float AddedScore = -1000;

    /// <summary>Adds the keys.</summary>
    /// <param name="metadata">Takes the keys.</param>
    /// <param name="model">The vocabulary.</param>
    /// <param name="folder">Folder of the tokenizer, whose tokenizer_config.json names special tokens.</param>
    /// <param name="vocabularySize">Rows of the model's embedding.</param>
    /// <param name="warnings">Takes what llama.cpp does otherwise.</param>
    public static void Write(GgufMetadata metadata, SentencePieceModel model, string folder, int vocabularySize, List<string> warnings)
    {
        List<(string, float, PieceType)?> tokens = [.. model.Pieces.Select(piece => ((string, float, PieceType)?)(TypedText(piece.Text, piece.Type), piece.Score, piece.Type))];
        AddSpecialTokens(tokens, folder, vocabularySize);
        GgufVocabulary vocabulary = new(model.File, tokens, vocabularySize);
        metadata.Add(GgufTokenizerKeys.Model, GgufTokenizerKeys.SentencePieceModel);
        metadata.Add(GgufTokenizerKeys.PreTokenizer, GgufTokenizerKeys.DefaultPreTokenizer);
        vocabulary.Write(metadata, withScores: true);
        SpecialTokenKeys.Write(metadata, folder, IdOf, (model.BeginId, model.EndId, model.UnknownId), addsBegin: true, addsEnd: false, vocabularySize);
        metadata.Add(GgufTokenizerKeys.AddsSpacePrefix, model.AddDummyPrefix);
        if (model.RemoveExtraSpaces)
        {
            metadata.Add(GgufTokenizerKeys.RemovesExtraSpaces, true);
            warnings.Add($"{model.File}: removes leading, trailing and repeated spaces; llama.cpp keeps them, and gives a text that has them other tokens.");
        }
        if (model.Pieces.FirstOrDefault(piece => piece.Type == PieceType.UserDefined) is { Text: { } whole } && model.AddDummyPrefix)
            warnings.Add($"{model.File}: llama.cpp puts a space before the text that follows a user-defined piece such as \"{whole}\"; this tokenizer does not.");
        TextFidelity.WarnOfUnknownCharacters(model.File, vocabulary, model.ByteFallback, warnings);
        TextFidelity.WarnOfTokens(model.File, vocabulary, SentencePieceTokenizer.Create(model).Pairs, warnings);

        int? IdOf(string token) => vocabulary.Ids.TryGetValue(token, out int id) ? id : null;
    }

    /// <summary>A token as it is typed: llama.cpp looks for user-defined ones in the text before it makes spaces visible.</summary>
    public static string TypedText(string text, PieceType type) => type == PieceType.UserDefined ? text.Replace('▁', ' ') : text;

    /// <summary>Special tokens that a model was given beside its vocabulary, those of chats for example, stand in tokenizer_config.json alone.</summary>
    private static void AddSpecialTokens(List<(string Text, float Score, PieceType Type)?> tokens, string folder, int vocabularySize)
    {
        if (SpecialTokenIds.Open(folder, SpecialTokenIds.ConfigName) is not { } config)
            return;
        int pieces = tokens.Count;
        foreach ((string name, JsonField token) in config["added_tokens_decoder"].Fields())
        {
            if (!int.TryParse(name, out int id) || id < pieces || id >= vocabularySize || !token["special"].Flag(false))
                continue;
            while (tokens.Count <= id)
                tokens.Add(null);
            tokens[id] = (token["content"].Text(), AddedScore, PieceType.Control);
        }
    }
}
