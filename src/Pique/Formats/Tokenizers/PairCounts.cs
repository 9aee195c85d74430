namespace Pique.Formats.Tokenizers;

/// <summary>How often each pair of neighbouring tokens occurs in a set of counted words, kept up to date as pairs are merged.</summary>
internal sealed class PairCounts
{
    private readonly List<(List<int> Symbols, long Count)> _words;
    private readonly Dictionary<(int Left, int Right), long> _counts = [];
    private readonly Dictionary<(int Left, int Right), HashSet<int>> _wordsOfPair = [];

    // Holds outdated entries too; one is valid only while its count is the pair's count.
    private readonly PriorityQueue<((int Left, int Right) Pair, long Count), (long NegativeCount, int Left, int Right)> _queue = new();

    /// <summary>Counts the pairs of all words.</summary>
    /// <param name="words">Token ids of each word, and how often the word occurs. Changed by <see cref="Merge"/>.</param>
    public PairCounts(List<(List<int> Symbols, long Count)> words)
    {
        _words = words;
        HashSet<(int, int)> changed = [];
        for (int word = 0; word < words.Count; word++)
            Add(word, sign: 1, changed);
        Enqueue(changed);
    }

    /// <summary>Finds the most frequent pair; of equals the one of smaller ids.</summary>
    public bool TryTakeMostFrequent(long minimumCount, out (int Left, int Right) pair)
    {
        while (_queue.TryDequeue(out ((int Left, int Right) Pair, long Count) candidate, out _))
        {
            if (_counts.GetValueOrDefault(candidate.Pair) != candidate.Count || candidate.Count < minimumCount)
                continue;
            pair = candidate.Pair;
            return true;
        }
        pair = default;
        return false;
    }

    /// <summary>Joins every occurrence of a pair, from the left.</summary>
    public void Merge((int Left, int Right) pair, int mergedId)
    {
        HashSet<(int, int)> changed = [];
        foreach (int word in _wordsOfPair[pair].ToArray())
        {
            Add(word, sign: -1, changed);
            List<int> symbols = _words[word].Symbols;
            int length = 0;
            for (int i = 0; i < symbols.Count; i++)
            {
                bool join = i + 1 < symbols.Count && symbols[i] == pair.Left && symbols[i + 1] == pair.Right;
                symbols[length++] = join ? mergedId : symbols[i];
                if (join)
                    i++;
            }
            symbols.RemoveRange(length, symbols.Count - length);
            Add(word, sign: 1, changed);
        }
        Enqueue(changed);
    }

    private void Add(int word, int sign, HashSet<(int, int)> changed)
    {
        (List<int> symbols, long count) = _words[word];
        for (int i = 0; i + 1 < symbols.Count; i++)
        {
            (int, int) pair = (symbols[i], symbols[i + 1]);
            _counts[pair] = _counts.GetValueOrDefault(pair) + (sign * count);
            changed.Add(pair);
            if (!_wordsOfPair.TryGetValue(pair, out HashSet<int>? words))
                _wordsOfPair.Add(pair, words = []);
            if (sign > 0)
                words.Add(word);
            else
                words.Remove(word);
        }
    }

    private void Enqueue(HashSet<(int Left, int Right)> changed)
    {
        foreach ((int Left, int Right) pair in changed)
        {
            long count = _counts[pair];
            if (count > 0)
                _queue.Enqueue((pair, count), (-count, pair.Left, pair.Right));
        }
    }
}
