using System.Text;

namespace Pique.Formats.Tokenizers;

/// <summary>Makes the decoder that a <c>tokenizer.json</c> describes: works out once what bytes each token stands for.</summary>
internal sealed class DecoderReader
{
    private readonly List<Func<string, string>> _replacements = [];
    private bool _byteLevel;
    private bool _byteFallback;
    private int _leadingSpaces;
    private bool _fused;

    /// <summary>Reads the decoder.</summary>
    /// <param name="root">The whole file.</param>
    /// <param name="tokens">Token of each id; null where the id has none.</param>
    /// <param name="literalIds">Added tokens, which are text as they stand.</param>
    /// <param name="specialIds">Ids left out of decoded text.</param>
    public static TokenDecoder Read(JsonField root, IReadOnlyList<string?> tokens, IReadOnlySet<int> literalIds, IReadOnlySet<int> specialIds)
    {
        DecoderReader reader = new();
        JsonField decoder = root["decoder"];
        if (decoder.IsNull)
            reader._byteLevel = TokenizerComponents.Contains(root["pre_tokenizer"], "ByteLevel", "pretokenizers");
        else
            reader.Add(decoder);
        return new TokenDecoder([.. tokens.Select((token, id) => specialIds.Contains(id) ? [] : reader.BytesOf(token, literalIds.Contains(id)))], reader._leadingSpaces);
    }

    private void Add(JsonField field)
    {
        string type = field["type"].Text();
        switch (type)
        {
            case "Sequence":
                foreach (JsonField part in field["decoders"].Items())
                    Add(part);
                break;
            case "ByteLevel":
                _byteLevel = true;
                break;
            case "ByteFallback":
                _byteFallback = true;
                break;
            case "Fuse":
                _fused = true;
                break;
            case "Replace" when !_fused:
                ReplaceNormalizer replacement = new(TokenizerComponents.Pattern(field["pattern"]), field["content"].Text());
                _replacements.Add(token => replacement.Normalize(token, continuation: false));
                break;
            case "Metaspace":
                char space = TokenizerComponents.Replacement(field);
                _replacements.Add(token => token.Replace(space, ' '));
                _leadingSpaces = TokenizerComponents.Scheme(field) == PrefixScheme.Never ? 0 : 1;
                break;
            case "Strip" when _fused && field["content"].Text() == " " && field["stop"].Count() == 0:
                _leadingSpaces = field["start"].Count();
                break;
            case "Strip":
                throw field.Unsupported(type, "Strip of leading \" \" after Fuse");
            default:
                throw field.Unsupported(type, "Sequence", "ByteLevel", "ByteFallback", "Fuse", "Replace before Fuse", "Strip after Fuse", "Metaspace");
        }
    }

    private byte[]? BytesOf(string? token, bool literal)
    {
        if (token is null)
            return null;
        if (literal)
            return Encoding.UTF8.GetBytes(token);
        if (_byteLevel && ByteLevelAlphabet.TryToBytes(token) is byte[] bytes)
            return bytes;
        if (_byteFallback && TokenDecoder.ByteOf(token) is byte value)
            return [value];
        return Encoding.UTF8.GetBytes(_replacements.Aggregate(token, (current, replace) => replace(current)));
    }
}
