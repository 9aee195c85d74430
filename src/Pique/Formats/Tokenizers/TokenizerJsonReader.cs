using System.Text.Json;

namespace Pique.Formats.Tokenizers;

/// <summary>Reads a Hugging Face <c>tokenizer.json</c> that holds a byte-pair model.</summary>
internal sealed class TokenizerJsonReader
{
    private readonly JsonField _root;
    private readonly Dictionary<string, int> _vocabulary = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _added = new(StringComparer.Ordinal);
    private readonly HashSet<int> _specialIds = [];
    private readonly List<(string Content, int Id)> _textTokens = [];

    private TokenizerJsonReader(JsonField root)
    {
        _root = root;
    }

    /// <summary>Reads the file; the ids of special tokens come from the files beside it.</summary>
    /// <exception cref="InputException">The file is missing, malformed, too large or uses a component that is not supported.</exception>
    public static BytePairTokenizer Read(string path) =>
        new TokenizerJsonReader(JsonField.ReadFile(path, TokenizerFile.MaximumBytes)).Build();

    private BytePairTokenizer Build()
    {
        JsonField model = _root["model"];
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
        ReadAddedTokens(_root["added_tokens"]);
        string?[] tokens = TokensById();
        BytePairModel pairs = BuildModel(model, out int? unknownId);
        SpecialTokenIds special = SpecialTokenIds.Read(Path.GetDirectoryName(Path.GetFullPath(_root.File))!, IdOf, _root["post_processor"]);
        bool everyByte = TokenizerComponents.Contains(_root["pre_tokenizer"], "ByteLevel", "pretokenizers")
            && ByteLevelAlphabet.Characters.All(character => pairs.Knows(character.ToString()));
        return new BytePairTokenizer
        {
            Normalizer = TokenizerComponents.Normalizer(_root["normalizer"]),
            Splitter = TokenizerComponents.Splitter(_root["pre_tokenizer"]),
            AddedTokens = _textTokens.Count == 0 ? null : new AddedTokens(_textTokens),
            Model = pairs,
            Decoder = DecoderReader.Read(_root, tokens, _added.Values.ToHashSet(), _specialIds),
            BeginOfTextId = special.Begin,
            EndOfTextId = special.End,
            UnknownId = everyByte || pairs.FallsBackToEveryByte ? null : unknownId,
        };
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
        }
    }

    private static int CheckId(JsonField field)
    {
        int id = field.Count();
        return id < TokenizerFile.MaximumVocabularySize ? id : throw field.Wrong($"an id below {TokenizerFile.MaximumVocabularySize}");
    }

    private BytePairModel BuildModel(JsonField model, out int? unknownId)
    {
        unknownId = model["unk_token"].OptionalText() is not string unknown ? null
            : IdOf(unknown) ?? throw model["unk_token"].Wrong("a token of the vocabulary");
        BytePairOptions options = new()
        {
            UnknownId = unknownId,
            FuseUnknown = model["fuse_unk"].Flag(false),
            ByteIds = model["byte_fallback"].Flag(false) ? TokenDecoder.ByteIds(IdOf) : null,
            IgnoreMerges = model["ignore_merges"].Flag(false),
            SpecialIds = _specialIds,
        };
        JsonField merges = model["merges"];
        return BytePairModel.FromMerges(_vocabulary, [.. merges.Items().Select(ReadMerge)], options, merges.Where);
    }

    /// <summary>A merge is <c>"left right"</c> or, where tokens hold spaces, <c>["left", "right"]</c>.</summary>
    private static (string Left, string Right) ReadMerge(JsonField field)
    {
        string[] parts = field.Element.ValueKind == JsonValueKind.Array
            ? [.. field.Items().Select(part => part.Text())]
            : field.Text().Split(' ');
        return parts.Length == 2 ? (parts[0], parts[1]) : throw field.Wrong("two tokens");
    }

    private int? IdOf(string token) => _added.TryGetValue(token, out int id) || _vocabulary.TryGetValue(token, out id) ? id : null;

    private string?[] TokensById()
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
