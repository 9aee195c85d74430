using System.Text;

namespace Pique.Formats.Tokenizers;

/// <summary>A SentencePiece byte-pair tokenizer: spaces are visible, merges follow scores, characters without a piece become bytes.</summary>
/// <remarks>Kudo and Richardson 2018, arXiv:1808.06226, section 3.</remarks>
internal sealed class SentencePieceTokenizer : ITextTokenizer
{
    private const char VisibleSpace = '▁';

    private readonly SentencePieceModel _file;
    private readonly BytePairModel _model;
    private readonly AddedTokens? _whole;
    private readonly TokenDecoder _decoder;

    private SentencePieceTokenizer(SentencePieceModel file, BytePairModel model, AddedTokens? whole, TokenDecoder decoder)
    {
        _file = file;
        _model = model;
        _whole = whole;
        _decoder = decoder;
    }

    /// <inheritdoc/>
    public int VocabularySize => _file.Pieces.Count;

    /// <inheritdoc/>
    public int? BeginOfTextId => _file.BeginId;

    /// <inheritdoc/>
    public int? EndOfTextId => _file.EndId;

    /// <inheritdoc/>
    public int? UnknownId => _model.FallsBackToEveryByte ? null : _file.UnknownId;

    /// <summary>The merging part.</summary>
    public BytePairModel Pairs => _model;

    /// <summary>Builds the tokenizer.</summary>
    /// <exception cref="InputException">The vocabulary contradicts itself.</exception>
    public static SentencePieceTokenizer Create(SentencePieceModel file)
    {
        Dictionary<string, int> all = new(StringComparer.Ordinal);
        Dictionary<string, int> text = new(StringComparer.Ordinal);
        List<(string, int)> whole = [];
        for (int id = 0; id < file.Pieces.Count; id++)
        {
            (string piece, _, PieceType type) = file.Pieces[id];
            if (!all.TryAdd(piece, id))
                throw new InputException($"{file.File}: pieces {all[piece]} and {id} are both \"{piece}\"; every piece needs its own text. Fetch the file again.");
            if (type == PieceType.Normal)
                text.Add(piece, id);
            else if (type == PieceType.UserDefined)
                whole.Add((piece, id));
        }
        foreach (int? id in (int?[])[file.UnknownId, file.BeginId, file.EndId])
        {
            if (id is int used && (used < 0 || used >= file.Pieces.Count))
                throw new InputException($"{file.File}: special id {used} is none of the {file.Pieces.Count} pieces; fetch the file again.");
        }
        BytePairOptions options = new()
        {
            UnknownId = file.UnknownId,
            FuseUnknown = true,
            ByteIds = file.ByteFallback ? TokenDecoder.ByteIds(name => all.TryGetValue(name, out int id) && file.Pieces[id].Type == PieceType.Byte ? id : null) : null,
        };
        BytePairModel model = BytePairModel.FromScores(text, [.. file.Pieces.Select(piece => piece.Score)], options, file.File);
        TokenDecoder decoder = new([.. file.Pieces.Select(piece => BytesOf(piece, file.UnknownSurface))], file.AddDummyPrefix ? 1 : 0);
        return new SentencePieceTokenizer(file, model, whole.Count == 0 ? null : new AddedTokens(whole), decoder);
    }

    /// <inheritdoc/>
    /// <remarks>Half a surrogate pair is encoded as U+FFFD.</remarks>
    public IReadOnlyList<int> Encode(string text, bool continuation = false)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF'))
            text = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
        List<int> ids = new(text.Length / 3);
        string whole = _file.NormalizesStretches ? text : Normalize(text, continuation);
        foreach ((string stretch, int? wholeId) in _whole?.Split(whole) ?? [(whole, null)])
        {
            if (wholeId is int id)
                ids.Add(id);
            else
                _model.Encode(_file.NormalizesStretches ? Normalize(stretch, continuation && ids.Count == 0) : stretch, ids);
        }
        return ids;
    }

    /// <inheritdoc/>
    public string Decode(IReadOnlyList<int> tokenIds, bool continuation = false) => _decoder.Decode(tokenIds, continuation);

    /// <summary>Makes spaces visible and adds the dummy prefix. Where extra spaces are removed, a continuation keeps one leading space: it parts two words.</summary>
    private string Normalize(string text, bool continuation)
    {
        if (_file.RemoveExtraSpaces)
        {
            bool opensWithSpace = text.StartsWith(' ');
            text = Patterns.SpaceRuns().Replace(text.Trim(' '), " ");
            if (continuation && opensWithSpace)
                text = ' ' + text;
        }
        if (text.Length > 0 && _file.AddDummyPrefix && !continuation)
            text = ' ' + text;
        return text.Replace(' ', VisibleSpace);
    }

    private static byte[] BytesOf((string Text, float Score, PieceType Type) piece, string unknownSurface) => piece.Type switch
    {
        PieceType.Control => [],
        PieceType.Unknown => Encoding.UTF8.GetBytes(unknownSurface),
        PieceType.Byte when TokenDecoder.ByteOf(piece.Text) is byte value => [value],
        _ => Encoding.UTF8.GetBytes(piece.Text.Replace(VisibleSpace, ' ')),
    };
}
