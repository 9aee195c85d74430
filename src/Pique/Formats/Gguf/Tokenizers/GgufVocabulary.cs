using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>The tokens of a GGUF file, one for every row of the model's embedding.</summary>
internal sealed class GgufVocabulary
{
    /// <summary>Score of tokens that no merge makes, as llama.cpp's converter gives it.</summary>
    private const float UnusedScore = -10_000;

    private readonly string _file;
    private readonly Dictionary<string, int> _ids = new(StringComparer.Ordinal);
    private readonly List<string> _texts = [];
    private readonly List<float> _scores = [];
    private readonly List<PieceType> _types = [];

    /// <summary>Makes a vocabulary.</summary>
    /// <param name="file">File the tokens come from, for errors.</param>
    /// <param name="tokens">Tokens by id; null where an id has none.</param>
    /// <param name="vocabularySize">Rows of the model's embedding: that many tokens there will be.</param>
    /// <exception cref="InputException">There are more tokens than rows, or two tokens have the same text.</exception>
    public GgufVocabulary(string file, IReadOnlyList<(string Text, float Score, PieceType Type)?> tokens, int vocabularySize)
    {
        _file = file;
        if (tokens.Count > vocabularySize)
            throw new InputException($"{file}: has {tokens.Count} token ids, the model {vocabularySize}; use the tokenizer the model was trained with");
        HashSet<string> taken = tokens.OfType<(string Text, float, PieceType)>().Select(token => token.Text).ToHashSet(StringComparer.Ordinal);
        for (int id = 0; id < vocabularySize; id++)
        {
            if (id < tokens.Count && tokens[id] is var (text, score, type))
                Add(text, score, type);
            else
                Add(UnusedName(id, taken), UnusedScore, PieceType.Unused);
        }
    }

    /// <summary>Text of each token.</summary>
    public IReadOnlyList<string> Texts => _texts;

    /// <summary>Score of each token.</summary>
    public IReadOnlyList<float> Scores => _scores;

    /// <summary>What each token is for.</summary>
    public IReadOnlyList<PieceType> Types => _types;

    /// <summary>Id of each text.</summary>
    public Dictionary<string, int> Ids => _ids;

    /// <summary>Adds the keys of the tokens.</summary>
    /// <param name="metadata">Takes the keys.</param>
    /// <param name="withScores">Whether merges follow scores.</param>
    public void Write(GgufMetadata metadata, bool withScores)
    {
        metadata.Add(GgufTokenizerKeys.Tokens, _texts);
        if (withScores)
            metadata.Add(GgufTokenizerKeys.Scores, _scores);
        metadata.Add(GgufTokenizerKeys.TokenTypes, (IReadOnlyList<int>)[.. _types.Select(type => (int)type)]);
    }

    /// <summary>llama.cpp keeps tokens by their text, as far as the first null character, and stops at the second of a kind.</summary>
    private void Add(string text, float score, PieceType type)
    {
        if (text.Contains('\0'))
            throw new InputException($"{_file}: token {_texts.Count} holds U+0000, for which llama.cpp has no form; export to safetensors instead");
        if (!_ids.TryAdd(text, _texts.Count))
            throw new InputException($"{_file}: tokens {_ids[text]} and {_texts.Count} are both \"{text}\", for which GGUF has no form; export to safetensors instead");
        _texts.Add(text);
        _scores.Add(score);
        _types.Add(type);
    }

    private static string UnusedName(int id, HashSet<string> taken)
    {
        string name = $"[PAD{id}]";
        while (!taken.Add(name))
            name = $"[{name}]";
        return name;
    }
}
