namespace Pique.Configuration;

/// <summary>Finds the known name that a mistyped one most likely meant.</summary>
internal static class NearestName
{
    // A longer name is not worth comparing: no known name comes near it.
    private const int LongestComparedLength = 64;

    /// <summary>The known name at the least edit distance; the earlier of two equals.</summary>
    /// <param name="name">The name as typed.</param>
    /// <param name="known">The names there are.</param>
    /// <returns>The nearest, or null where there is none to compare.</returns>
    public static string? Of(string name, IEnumerable<string> known) =>
        name.Length > LongestComparedLength ? null : known.MinBy(candidate => Distance(name.ToUpperInvariant(), candidate.ToUpperInvariant()));

    /// <summary>Levenshtein's distance: the least number of inserted, removed and replaced characters.</summary>
    internal static int Distance(string from, string to)
    {
        int[] previous = [.. Enumerable.Range(0, to.Length + 1)];
        int[] current = new int[to.Length + 1];
        for (int row = 1; row <= from.Length; row++)
        {
            current[0] = row;
            for (int column = 1; column <= to.Length; column++)
            {
                int replaced = previous[column - 1] + (from[row - 1] == to[column - 1] ? 0 : 1);
                current[column] = Math.Min(replaced, 1 + Math.Min(previous[column], current[column - 1]));
            }

            (previous, current) = (current, previous);
        }

        return previous[to.Length];
    }
}
