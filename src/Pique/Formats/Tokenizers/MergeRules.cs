using System.Text;

namespace Pique.Formats.Tokenizers;

/// <summary>The merges of a byte-pair vocabulary, by the ids they join.</summary>
internal sealed class MergeRules
{
    /// <summary>Most characters looked at to find the parts of scored tokens; the largest vocabularies in use need a tenth of it.</summary>
    private const long MaximumComparedCharacters = 1L << 30;

    private readonly Dictionary<(int Left, int Right), (int Rank, int MergedId)> _merges;
    private readonly HashSet<(Rune Last, Rune First)> _seams = [];

    private MergeRules(IReadOnlyDictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right, int Rank)> merges, string where)
    {
        _merges = new(merges.Count);
        for (int index = 0; index < merges.Count; index++)
        {
            (string left, string right, int rank) = merges[index];
            (int, int) pair = (IdOf(left), IdOf(right));
            if (!_merges.TryAdd(pair, (rank, IdOf(left + right))))
                throw new InputException($"{where}[{index}]: \"{left}\" + \"{right}\" is listed before; each merge stands once. Fetch the file again.");
            Rune.DecodeLastFromUtf16(left, out Rune last, out _);
            Rune.DecodeFromUtf16(right, out Rune first, out _);
            _seams.Add((last, first));

            int IdOf(string token) => token.Length > 0 && vocabulary.TryGetValue(token, out int id)
                ? id
                : throw new InputException($"{where}[{index}]: \"{left}\" + \"{right}\" needs the token \"{token}\", which the vocabulary lacks; fetch the file again.");
        }
    }

    /// <summary>Takes merges in the order in which they apply.</summary>
    /// <param name="vocabulary">Token to id.</param>
    /// <param name="merges">Pairs of tokens, first merged first.</param>
    /// <param name="where">Where the merges stand, for errors.</param>
    /// <exception cref="InputException">A merge names or makes a token that the vocabulary lacks, or stands twice.</exception>
    public static MergeRules FromList(IReadOnlyDictionary<string, int> vocabulary, IReadOnlyList<(string Left, string Right)> merges, string where) =>
        new(vocabulary, [.. merges.Select((merge, rank) => (merge.Left, merge.Right, rank))], where);

    /// <summary>
    /// Takes merges from scored tokens, as SentencePiece does: any two neighbours that spell a token may join, the token of the
    /// highest score first, and of equal scores the leftmost.
    /// </summary>
    /// <param name="vocabulary">Token to id.</param>
    /// <param name="scores">Score of each id.</param>
    /// <param name="where">File, for errors.</param>
    /// <exception cref="InputException">The tokens are so long that finding their parts would take minutes.</exception>
    public static MergeRules FromScores(Dictionary<string, int> vocabulary, IReadOnlyList<float> scores, string where)
    {
        if (vocabulary.Keys.Sum(token => (long)token.Length * token.Length) > MaximumComparedCharacters)
            throw new InputException($"{where}: has tokens of up to {vocabulary.Keys.Max(token => token.Length)} characters, far more than any vocabulary in use; the file is damaged, or made to take up time.");
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> lookup = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        Dictionary<float, int> rankOfScore = vocabulary.Values.Select(id => scores[id]).Distinct().OrderDescending()
            .Select((score, rank) => (score, rank)).ToDictionary(entry => entry.score, entry => entry.rank);
        List<(string, string, int)> merges = [];
        foreach ((string token, int id) in vocabulary)
        {
            for (int cut = 1; cut < token.Length; cut++)
            {
                if (lookup.ContainsKey(token.AsSpan(0, cut)) && lookup.ContainsKey(token.AsSpan(cut)))
                    merges.Add((token[..cut], token[cut..], rankOfScore[scores[id]]));
            }
        }
        return new MergeRules(vocabulary, merges, where);
    }

    /// <summary>Finds the merge of two neighbouring tokens.</summary>
    public bool TryGet(int left, int right, out (int Rank, int MergedId) merge) => _merges.TryGetValue((left, right), out merge);

    /// <summary>
    /// True where some merge joins a token ending in one character with a token opening with the other. Where none does,
    /// text can be cut between the two without changing any token: whatever merges first on one side leaves the other as it is.
    /// </summary>
    public bool CanJoin(Rune last, Rune first) => _seams.Contains((last, first));
}
