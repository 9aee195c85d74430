using System.Text;
using Microsoft.ML.Tokenizers;

namespace Pique.Formats.Tokenizers;

/// <summary>Byte-pair encoding of one piece of text: Microsoft.ML.Tokenizers' model where it can do the work, and around it what that lacks.</summary>
/// <remarks>
/// Added here: byte fallback; a word that is a token is taken whole (<c>ignore_merges</c>); a character outside the
/// vocabulary is an error where there is no unknown token (the library drops it). Text is encoded in stretches of known characters
/// cut where no merge can reach across (<see cref="MergeRules.CanJoin"/>), so the ids are those of the whole piece.
/// Two cases do not go to the library but to <see cref="PieceMerger"/>. Long stretches: the library takes time in the square
/// of the length, because it removes merged symbols from an array one by one. SentencePiece's scored vocabularies: of
/// equal scores the library joins the rightmost pair first, SentencePiece the leftmost, and the library lets typed text
/// such as <c>&lt;s&gt;</c> become a control token.
/// </remarks>
internal sealed class BytePairModel
{
    /// <summary>Longest stretch of UTF-16 units handed to the library, see the remarks on <see cref="BytePairModel"/>.</summary>
    public const int LongestLibraryPiece = 512;

    private readonly Dictionary<string, int> _vocabulary;
    private readonly MergeRules _rules;
    private readonly BpeTokenizer? _library;
    private readonly BytePairOptions _options;

    private BytePairModel(Dictionary<string, int> vocabulary, MergeRules rules, BpeTokenizer? library, BytePairOptions options)
    {
        _vocabulary = vocabulary;
        _rules = rules;
        _library = library;
        _options = options;
    }

    /// <summary>Builds the model from merges in order.</summary>
    /// <param name="vocabulary">Token to id.</param>
    /// <param name="merges">Pairs of tokens, first merged first.</param>
    /// <param name="options">What happens around the merges.</param>
    /// <param name="where">Where the merges stand, for errors.</param>
    public static BytePairModel FromMerges(
        Dictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges, BytePairOptions options, string where)
    {
        MergeRules rules = MergeRules.FromList(vocabulary, merges, where);
        // The library takes merges as "left right"; a token that holds a space cannot be written so.
        bool writable = !merges.Any(merge => merge.Left.Contains(' ') || merge.Right.Contains(' '));
        BpeTokenizer? library = writable
            ? BpeTokenizer.Create(new BpeOptions(vocabulary) { Merges = merges.Select(merge => $"{merge.Left} {merge.Right}") })
            : null;
        return new BytePairModel(vocabulary, rules, library, options);
    }

    /// <summary>Builds the model from scored tokens.</summary>
    /// <param name="vocabulary">Token to id, of the tokens that text may become.</param>
    /// <param name="scores">Score of each id.</param>
    /// <param name="options">What happens around the merges.</param>
    /// <param name="where">File, for errors.</param>
    public static BytePairModel FromScores(Dictionary<string, int> vocabulary, IReadOnlyList<float> scores, BytePairOptions options, string where) =>
        new(vocabulary, MergeRules.FromScores(vocabulary, scores, where), library: null, options);

    /// <summary>True where every text can be expressed: all bytes have a token to fall back to.</summary>
    public bool FallsBackToEveryByte => _options.ByteIds is not null && _options.ByteIds.All(id => id is not null);

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
        if (_library is not null && stretch.Length <= LongestLibraryPiece)
        {
            ids.AddRange(_library.EncodeToIds(stretch, considerPreTokenization: false, considerNormalization: false));
            return;
        }
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup = _vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        int[] symbols = new int[stretch.Length];
        int count = 0;
        for (int i = 0; i < stretch.Length;)
        {
            Rune.DecodeFromUtf16(stretch[i..], out _, out int length);
            symbols[count++] = lookup[stretch.Slice(i, length)];
            i += length;
        }
        PieceMerger.Merge(symbols.AsSpan(0, count), _rules, ids);
    }

    /// <returns>True where the character became the unknown token.</returns>
    private bool EncodeUnknown(Rune rune, bool afterUnknown, List<int> ids)
    {
        Span<byte> bytes = stackalloc byte[4];
        bytes = bytes[..rune.EncodeToUtf8(bytes)];
        if (_options.ByteIds is IReadOnlyList<int?> byteIds)
        {
            bool complete = true;
            foreach (byte value in bytes)
                complete &= byteIds[value] is not null;
            if (complete)
            {
                foreach (byte value in bytes)
                    ids.Add(byteIds[value]!.Value);
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
