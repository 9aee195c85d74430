using System.Text;
using Pique.Formats.Tokenizers;

namespace Pique.Formats.Gguf.Tokenizers;

/// <summary>Makes the tokenizer that the metadata of a GGUF file describes. It encodes text as llama.cpp does.</summary>
internal static class GgufTokenizerReader
{
    /// <summary>Makes the tokenizer.</summary>
    /// <param name="file">The file.</param>
    /// <exception cref="InputException">The keys are absent or wrong, or describe a tokenizer of another kind.</exception>
    public static ITextTokenizer Read(GgufFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        string model = file.Metadata.Text(GgufTokenizerKeys.Model);
        return model switch
        {
            GgufTokenizerKeys.SentencePieceModel => ReadSentencePiece(file),
            GgufTokenizerKeys.BytePairModel => ReadBytePairs(file),
            _ => throw new InputException(
                $"{file.Path}: key \"{GgufTokenizerKeys.Model}\" is \"{model}\", expected {GgufTokenizerKeys.SentencePieceModel} (SentencePiece) or {GgufTokenizerKeys.BytePairModel} (byte pairs); choose a model with one of these tokenizers"),
        };
    }

    private static SentencePieceTokenizer ReadSentencePiece(GgufFile file)
    {
        GgufTokens tokens = GgufTokens.Read(file);
        return SentencePieceTokenizer.Create(new SentencePieceModel(file.Path, [.. tokens.Texts.Select((text, id) => (text, tokens.Scores?[id] ?? 0, tokens.Types[id]))])
        {
            UnknownId = tokens.IdOrNull(file, GgufTokenizerKeys.UnknownId) ?? 0,
            BeginId = IdOrDefault(GgufTokenizerKeys.BeginId, 1),
            EndId = IdOrDefault(GgufTokenizerKeys.EndId, 2),
            ByteFallback = true,
            AddDummyPrefix = file.Metadata.FlagOrNull(GgufTokenizerKeys.AddsSpacePrefix) ?? true,
            RemoveExtraSpaces = file.Metadata.FlagOrNull(GgufTokenizerKeys.RemovesExtraSpaces) ?? false,
            NormalizesStretches = true,
            UnknownSurface = "",
        });

        int? IdOrDefault(string key, int absent) => tokens.IdOrNull(file, key) ?? (absent < tokens.Texts.Count ? absent : null);
    }

    /// <summary>Makes a byte-pair tokenizer. A byte without a token is an error when it turns up in a text: llama.cpp leaves it out, and never takes the unknown token for it.</summary>
    private static BytePairTokenizer ReadBytePairs(GgufFile file)
    {
        GgufTokens tokens = GgufTokens.Read(file);
        PreTokenizer preTokenizer = ReadPreTokenizer(file);
        Dictionary<string, int> vocabulary = tokens.Texts.Select((text, id) => (text, id)).ToDictionary(token => token.text, token => token.id, StringComparer.Ordinal);
        BytePairOptions options = new()
        {
            IgnoreMerges = preTokenizer.IgnoresMerges,
            SpecialIds = IdsOf(PieceType.Control, PieceType.Unknown).ToHashSet(),
        };
        BytePairModel model = BytePairModel.FromMerges(vocabulary, ReadMerges(file), options, $"{file.Path}: key \"{GgufTokenizerKeys.Merges}\"");
        (string, int)[] typed = [.. IdsOf(PieceType.UserDefined).Select(id => (tokens.Texts[id], id))];
        return new BytePairTokenizer
        {
            Splitter = preTokenizer.Splitter,
            AddedTokens = typed.Length == 0 ? null : new AddedTokens(typed),
            Model = model,
            Decoder = new TokenDecoder([.. tokens.Texts.Select((text, id) => BytesOf(text, tokens.Types[id]))], leadingSpaces: 0),
            BeginOfTextId = tokens.IdOrNull(file, GgufTokenizerKeys.BeginId),
            EndOfTextId = tokens.IdOrNull(file, GgufTokenizerKeys.EndId),
        };

        IEnumerable<int> IdsOf(params PieceType[] types) => Enumerable.Range(0, tokens.Texts.Count).Where(id => types.Contains(tokens.Types[id]));
    }

    private static PreTokenizer ReadPreTokenizer(GgufFile file)
    {
        string name = file.Metadata.TextOrNull(GgufTokenizerKeys.PreTokenizer) ?? GgufTokenizerKeys.DefaultPreTokenizer;
        return PreTokenizers.Find(name) ?? throw new InputException(
            $"{file.Path}: key \"{GgufTokenizerKeys.PreTokenizer}\" is \"{name}\", expected one of {string.Join(", ", PreTokenizers.All.SelectMany(known => (IEnumerable<string>)[known.Name, .. known.Aliases]))}; choose a model with one of these pre-tokenizers");
    }

    /// <summary>A merge is two tokens parted by a space; as the first may be a space itself, the search begins at the second character.</summary>
    private static List<(string Left, string Right)> ReadMerges(GgufFile file)
    {
        IReadOnlyList<string> stored = file.Metadata.TextsOrNull(GgufTokenizerKeys.Merges)
            ?? throw GgufTokens.Fault(file, GgufTokenizerKeys.Merges, "is absent, expected an array of strings");
        List<(string, string)> merges = new(stored.Count);
        foreach (string merge in stored)
        {
            int space = merge.Length < 2 ? -1 : merge.IndexOf(' ', 1);
            if (space < 0 || space == merge.Length - 1)
                throw GgufTokens.Fault(file, GgufTokenizerKeys.Merges, $"has \"{merge}\" as element {merges.Count}, expected two tokens parted by a space");
            merges.Add((merge[..space], merge[(space + 1)..]));
        }
        return merges;
    }

    private static byte[]? BytesOf(string text, PieceType type) => type switch
    {
        PieceType.Control or PieceType.Unknown => [],
        PieceType.Unused => null,
        PieceType.Normal => ByteLevelAlphabet.TryToBytes(text) ?? Encoding.UTF8.GetBytes(text),
        _ => Encoding.UTF8.GetBytes(text),
    };
}
