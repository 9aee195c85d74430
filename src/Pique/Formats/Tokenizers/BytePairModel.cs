using System.Text;
using Microsoft.ML.Tokenizers;

namespace Pique.Formats.Tokenizers;

/// <summary>Byte-pair encoding of one piece of text: Microsoft.ML.Tokenizers' model, and around it what that lacks.</summary>
/// <remarks>
/// Added here: byte fallback; a word that is a token is taken whole (<c>ignore_merges</c>); a character outside the
/// vocabulary is an error where there is no unknown token (the library drops it); long pieces stay fast. Text is handed over in
/// stretches of known characters cut where no merge can reach across (<see cref="MergeRules.CanJoin"/>), so the ids are
/// those of the whole piece.
/// </remarks>
internal sealed class BytePairModel
{
    /// <summary>Longest stretch of UTF-16 units handed to the library, see <see cref="LongPieceMerger"/>.</summary>
    public const int LongestLibraryPiece = 512;

    private readonly Dictionary<string, int> _vocabulary;
    private readonly MergeRules _rules;
    private readonly BpeTokenizer _library;
    private readonly int?[]? _byteIds;
    private readonly BytePairOptions _options;

    /// <summary>Builds the model.</summary>
    /// <param name="vocabulary">Token to id.</param>
    /// <param name="merges">Pairs of tokens, first merged first.</param>
    /// <param name="options">What happens around the merges.</param>
    /// <param name="where">Where the merges stand, for errors.</param>
    public BytePairModel(Dictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges, BytePairOptions options, string where)
    {
        _vocabulary = vocabulary;
        _options = options;
        _rules = new MergeRules(vocabulary, merges, where);
        _library = BpeTokenizer.Create(new BpeOptions(vocabulary) { Merges = merges.Select(merge => $"{merge.Left} {merge.Right}") });
        if (options.ByteFallback)
            _byteIds = [.. Enumerable.Range(0, 256).Select(value => vocabulary.TryGetValue($"<0x{value:X2}>", out int id) ? id : (int?)null)];
    }

    /// <summary>True where every text can be expressed: all bytes have a token to fall back to.</summary>
    public bool FallsBackToEveryByte => _byteIds is not null && _byteIds.All(id => id is not null);

    /// <summary>True where the vocabulary has a token for a character.</summary>
    public bool Knows(string character) => _vocabulary.ContainsKey(character);

    /// <summary>Encodes a piece.</summary>
    /// <param name="piece">Piece that merges do not leave.</param>
    /// <param name="ids">Takes the ids.</param>
    /// <exception cref="UnknownCharacterException">A character has no token and there is no unknown token.</exception>
    public void Encode(string piece, List<int> ids)
    {
        if (_options.IgnoreMerges && _vocabulary.TryGetValue(piece, out int whole) && !_options.SpecialIds.Contains(whole))
        {
            ids.Add(whole);
            return;
        }
        int start = 0;
        bool afterUnknown = false;
        Rune last = default;
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup = _vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        for (int i = 0; i < piece.Length;)
        {
            Rune.DecodeFromUtf16(piece.AsSpan(i), out Rune rune, out int length);
            if (!lookup.ContainsKey(piece.AsSpan(i, length)))
            {
                EncodeKnown(piece.AsSpan(start, i - start), ids);
                afterUnknown = EncodeUnknown(rune, afterUnknown && start == i, ids);
                start = i + length;
            }
            else if (i > start && !_rules.CanJoin(last, rune))
            {
                EncodeKnown(piece.AsSpan(start, i - start), ids);
                start = i;
            }
            last = rune;
            i += length;
        }
        EncodeKnown(piece.AsSpan(start), ids);
    }

    private void EncodeKnown(ReadOnlySpan<char> stretch, List<int> ids)
    {
        if (stretch.IsEmpty)
            return;
        if (stretch.Length <= LongestLibraryPiece)
        {
            ids.AddRange(_library.EncodeToIds(stretch, considerPreTokenization: false, considerNormalization: false));
            return;
        }
        List<int> symbols = new(stretch.Length);
        foreach (Rune rune in stretch.EnumerateRunes())
            symbols.Add(_vocabulary[rune.ToString()]);
        LongPieceMerger.Merge([.. symbols], _rules, ids);
    }

    /// <returns>True where the character became the unknown token.</returns>
    private bool EncodeUnknown(Rune rune, bool afterUnknown, List<int> ids)
    {
        Span<byte> bytes = stackalloc byte[4];
        bytes = bytes[..rune.EncodeToUtf8(bytes)];
        if (_byteIds is not null)
        {
            bool complete = true;
            foreach (byte value in bytes)
                complete &= _byteIds[value] is not null;
            if (complete)
            {
                foreach (byte value in bytes)
                    ids.Add(_byteIds[value]!.Value);
                return false;
            }
        }
        if (_options.UnknownId is not int unknownId)
            throw new UnknownCharacterException(rune);
        if (!(afterUnknown && _options.FuseUnknown))
            ids.Add(unknownId);
        return true;
    }
}
