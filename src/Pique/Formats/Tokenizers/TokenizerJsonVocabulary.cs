using System.Text.Json;

namespace Pique.Formats.Tokenizers;

/// <summary>The vocabulary of a Hugging Face <c>tokenizer.json</c>: tokens, merges, added tokens, and what happens around the merges.</summary>
internal sealed class TokenizerJsonVocabulary
{
    private readonly JsonField _root;
    private readonly Dictionary<string, int> _vocabulary = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _added = new(StringComparer.Ordinal);
    private readonly HashSet<int> _specialIds = [];
    private readonly List<(string Content, int Id)> _textTokens = [];
    private readonly HashSet<int> _textIds = [];

    private TokenizerJsonVocabulary(JsonField root)
    {
        _root = root;
        JsonField model = root["model"];
        if (model.IsNull)
            throw model.Wrong("an object");
        string type = model["type"].OptionalText() ?? "BPE";
        if (type != "BPE")
            throw model["type"].Unsupported(type, "BPE");
        Refuse(model["continuing_subword_prefix"]);
        Refuse(model["end_of_word_suffix"]);
        if (model["dropout"] is { IsNull: false } dropout && !(dropout.Element.ValueKind == JsonValueKind.Number && dropout.Element.GetDouble() == 0))
            throw dropout.Wrong("null: encoding is deterministic");

        ReadVocabulary(model["vocab"]);
        ReadAddedTokens(root["added_tokens"]);
        TokensById = ListTokens();
        UnknownId = model["unk_token"].OptionalText() is not string unknown ? null
            : IdOf(unknown) ?? throw model["unk_token"].Wrong("a token of the vocabulary");
        FusesUnknown = model["fuse_unk"].Flag(false);
        FallsBackToBytes = model["byte_fallback"].Flag(false);
        IgnoresMerges = model["ignore_merges"].Flag(false);
        Merges = [.. model["merges"].Items().Select(ReadMerge)];
        MergesWhere = model["merges"].Where;
    }

    /// <summary>Token to id, added tokens left out unless they stand in the vocabulary too.</summary>
    public Dictionary<string, int> Vocabulary => _vocabulary;

    /// <summary>Added tokens to id.</summary>
    public IReadOnlyDictionary<string, int> Added => _added;

    /// <summary>Added tokens that are special: never part of text.</summary>
    public IReadOnlySet<int> SpecialIds => _specialIds;

    /// <summary>Added tokens that are found in ordinary text.</summary>
    public IReadOnlyList<(string Content, int Id)> TextTokens => _textTokens;

    /// <summary>Ids of <see cref="TextTokens"/>.</summary>
    public IReadOnlySet<int> TextIds => _textIds;

    /// <summary>Token of each id; null where the id has none.</summary>
    public IReadOnlyList<string?> TokensById { get; }

    /// <summary>Pairs of tokens, first merged first.</summary>
    public IReadOnlyList<(string Left, string Right)> Merges { get; }

    /// <summary>Where the merges stand, for errors.</summary>
    public string MergesWhere { get; }

    /// <summary>Id for characters without a token, or null.</summary>
    public int? UnknownId { get; }

    /// <summary>Whether neighbouring unknown characters share one token.</summary>
    public bool FusesUnknown { get; }

    /// <summary>Whether characters without a token become byte tokens.</summary>
    public bool FallsBackToBytes { get; }

    /// <summary>Whether a piece that is a token is taken whole.</summary>
    public bool IgnoresMerges { get; }

    /// <summary>Reads the vocabulary.</summary>
    /// <param name="root">The whole file.</param>
    /// <exception cref="InputException">The file is malformed, or no byte-pair vocabulary.</exception>
    public static TokenizerJsonVocabulary Read(JsonField root) => new(root);

    /// <summary>Id of a token, added ones first; null where there is none.</summary>
    public int? IdOf(string token) => _added.TryGetValue(token, out int id) || _vocabulary.TryGetValue(token, out id) ? id : null;

    /// <summary>Builds the model.</summary>
    public BytePairModel BuildModel()
    {
        BytePairOptions options = new()
        {
            UnknownId = UnknownId,
            FuseUnknown = FusesUnknown,
            ByteIds = FallsBackToBytes ? TokenDecoder.ByteIds(IdOf) : null,
            IgnoreMerges = IgnoresMerges,
            SpecialIds = SpecialIds,
        };
        return BytePairModel.FromMerges(_vocabulary, Merges, options, MergesWhere);
    }

    private static void Refuse(JsonField field)
    {
        if (field.OptionalText() is { Length: > 0 })
            throw field.Wrong("null or an empty string: nothing else is supported");
    }

    private void ReadVocabulary(JsonField field)
    {
        foreach ((string token, JsonField value) in field.Fields())
        {
            int id = CheckId(value);
            if (!_vocabulary.TryAdd(token, id))
                throw new InputException($"{value.Where}: the token is listed twice; fetch the file again.");
        }
        if (_vocabulary.Count == 0)
            throw field.Wrong("at least one token");
    }

    private void ReadAddedTokens(JsonField field)
    {
        foreach (JsonField token in field.Items())
        {
            int id = CheckId(token["id"]);
            string content = token["content"].Text();
            if (content.Length == 0)
                throw token["content"].Wrong("at least one character");
            _added[content] = id;
            if (token["special"].Flag(false))
            {
                _specialIds.Add(id);
                continue;
            }
            if (token["normalized"].Flag(true) && !_root["normalizer"].IsNull)
                throw token["normalized"].Wrong("false: tokens that are part of normalized text are not supported");
            foreach (string rule in (string[])["single_word", "lstrip", "rstrip"])
            {
                if (token[rule].Flag(false))
                    throw token[rule].Wrong("false: this rule is supported for special tokens only");
            }
            _textTokens.Add((content, id));
            _textIds.Add(id);
        }
    }

    private static int CheckId(JsonField field)
    {
        int id = field.Count();
        return id < TokenizerFile.MaximumVocabularySize ? id : throw field.Wrong($"an id below {TokenizerFile.MaximumVocabularySize}");
    }

    /// <summary>A merge is <c>"left right"</c> or, where tokens hold spaces, <c>["left", "right"]</c>.</summary>
    private static (string Left, string Right) ReadMerge(JsonField field)
    {
        string[] parts = field.Element.ValueKind == JsonValueKind.Array
            ? [.. field.Items().Select(part => part.Text())]
            : field.Text().Split(' ');
        return parts.Length == 2 ? (parts[0], parts[1]) : throw field.Wrong("two tokens");
    }

    private string?[] ListTokens()
    {
        string?[] tokens = new string?[1 + Math.Max(_vocabulary.Values.Max(), _added.Values.DefaultIfEmpty(0).Max())];
        foreach ((string token, int id) in _vocabulary.Concat(_added.Where(entry => !_vocabulary.ContainsKey(entry.Key))))
        {
            if (tokens[id] is string other)
                throw new InputException($"{_root.File}: \"{other}\" and \"{token}\" share id {id}; every token needs its own. Fetch the file again.");
            tokens[id] = token;
        }
        return tokens;
    }
}
