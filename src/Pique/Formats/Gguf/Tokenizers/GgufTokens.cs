using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>The tokens of a GGUF file, proved consistent.</summary>
/// <param name="Texts">Text of each token; no two are equal, none is empty.</param>
/// <param name="Scores">Score of each token, or null where the file has none.</param>
/// <param name="Types">What each token is for.</param>
internal sealed record GgufTokens(IReadOnlyList<string> Texts, IReadOnlyList<float>? Scores, IReadOnlyList<PieceType> Types)
{
    private const string Remedy = "export the model again";

    /// <summary>Reads the tokens.</summary>
    /// <param name="file">The file.</param>
    /// <exception cref="InputException">The keys are absent, of other types, of different lengths or contradict themselves.</exception>
    public static GgufTokens Read(GgufFile file)
    {
        IReadOnlyList<string> stored = file.Metadata.TextsOrNull(GgufTokenizerKeys.Tokens)
            ?? throw Fault(file, GgufTokenizerKeys.Tokens, "is absent, expected an array of strings");
        if (stored.Count is 0 or > TokenizerFile.MaximumVocabularySize)
            throw Fault(file, GgufTokenizerKeys.Tokens, $"has {stored.Count} elements, expected 1 to {TokenizerFile.MaximumVocabularySize}");
        IReadOnlyList<int>? types = file.Metadata.IntegersOrNull(GgufTokenizerKeys.TokenTypes);
        RequireCount(file, GgufTokenizerKeys.TokenTypes, types?.Count, stored.Count);
        IReadOnlyList<float>? scores = file.Metadata.FloatsOrNull(GgufTokenizerKeys.Scores);
        RequireCount(file, GgufTokenizerKeys.Scores, scores?.Count, stored.Count);

        // llama.cpp gives an empty token this name.
        string[] texts = [.. stored.Select((text, id) => text.Length == 0 ? $"[EMPTY_{id}]" : text)];
        Dictionary<string, int> ids = new(texts.Length, StringComparer.Ordinal);
        for (int id = 0; id < texts.Length; id++)
        {
            if (!ids.TryAdd(texts[id], id))
                throw Fault(file, GgufTokenizerKeys.Tokens, $"has \"{texts[id]}\" as elements {ids[texts[id]]} and {id}, expected every token once");
            if (scores is not null && float.IsNaN(scores[id]))
                throw Fault(file, GgufTokenizerKeys.Scores, $"has NaN as element {id}, expected numbers");
        }
        return new GgufTokens(texts, scores, [.. types is null ? texts.Select(_ => PieceType.Normal) : types.Select((type, id) => ControlTokenNames.Effective(TypeOf(file, type, id), texts[id]))]);
    }

    /// <summary>The error for a key.</summary>
    public static InputException Fault(GgufFile file, string key, string fault) => new($"{file.Path}: key \"{key}\" {fault}; {Remedy}");

    /// <summary>An id that a key gives, or null where the key is absent.</summary>
    /// <param name="file">The file.</param>
    /// <param name="key">The key.</param>
    /// <exception cref="InputException">The id is none of the tokens'.</exception>
    public int? IdOrNull(GgufFile file, string key)
    {
        if (file.Metadata.IntegerOrNull(key) is not { } id)
            return null;
        return id >= 0 && id < Texts.Count ? (int)id : throw Fault(file, key, $"is {id}, expected the id of one of {Texts.Count} tokens");
    }

    private static void RequireCount(GgufFile file, string key, int? count, int tokenCount)
    {
        if (count is int known && known != tokenCount)
            throw Fault(file, key, $"has {known} elements, expected one for each of the {tokenCount} tokens");
    }

    private static PieceType TypeOf(GgufFile file, int type, int id) => type switch
    {
        0 => PieceType.Normal,
        >= (int)PieceType.Normal and <= (int)PieceType.Byte => (PieceType)type,
        _ => throw Fault(file, GgufTokenizerKeys.TokenTypes, $"has {type} as element {id}, expected 0 to {(int)PieceType.Byte}"),
    };
}
