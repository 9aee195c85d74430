namespace Pique.Formats.Tokenizers;

/// <summary>Merges the characters of one piece of text in O(n log n) time and O(n) memory.</summary>
internal static class PieceMerger
{
    private const int None = -1;

    /// <summary>Applies merges by rising rank, of equal ranks the leftmost first.</summary>
    /// <param name="characters">Ids of the piece's characters.</param>
    /// <param name="rules">Merges.</param>
    /// <param name="ids">Takes the ids of the merged tokens.</param>
    /// <returns>Rank of the last merge applied, or null where none was.</returns>
    public static int? Merge(ReadOnlySpan<int> characters, MergeRules rules, List<int> ids)
    {
        if (characters.Length == 1)
        {
            ids.Add(characters[0]);
            return null;
        }
        int[] symbols = characters.ToArray();
        int[] previous = new int[symbols.Length];
        int[] next = new int[symbols.Length];
        bool[] removed = new bool[symbols.Length];
        PriorityQueue<(int Position, int Left, int Right, int MergedId), (int Rank, int Position)> queue = new();
        for (int i = 0; i < symbols.Length; i++)
        {
            previous[i] = i - 1;
            next[i] = i + 1 < symbols.Length ? i + 1 : None;
        }
        for (int i = 0; i + 1 < symbols.Length; i++)
            Enqueue(i);

        int? lastRank = null;
        while (queue.TryDequeue(out (int Position, int Left, int Right, int MergedId) merge, out (int Rank, int Position) order))
        {
            int position = merge.Position;
            int right = next[position];
            // Outdated: one of the two has been merged away since.
            if (removed[position] || right == None || symbols[position] != merge.Left || symbols[right] != merge.Right)
                continue;
            lastRank = order.Rank;
            symbols[position] = merge.MergedId;
            removed[right] = true;
            next[position] = next[right];
            if (next[position] != None)
            {
                previous[next[position]] = position;
                Enqueue(position);
            }
            if (previous[position] != None)
                Enqueue(previous[position]);
        }

        for (int i = 0; i < symbols.Length; i++)
        {
            if (!removed[i])
                ids.Add(symbols[i]);
        }

        return lastRank;

        void Enqueue(int left)
        {
            int right = next[left];
            if (rules.TryGet(symbols[left], symbols[right], out (int Rank, int MergedId) merge))
                queue.Enqueue((left, symbols[left], symbols[right], merge.MergedId), (merge.Rank, left));
        }
    }
}
