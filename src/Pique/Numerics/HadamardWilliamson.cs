namespace Pique.Numerics;

/// <summary>Hadamard matrices of order 4m from four symmetric circulant matrices of ±1 with A² + B² + C² + D² = 4m·I.</summary>
/// <remarks>
/// Williamson 1944, "Hadamard's determinant theorem and the sum of four squares", Duke Math. J. 11. Matrices of these orders were first
/// found by Williamson (172), Baumert, Golomb and Hall 1962 (92), Baumert and Hall 1965 (156) and Baumert 1966 (116). The rows here come
/// from a search for sequences whose power spectra sum to 4m at every frequency; for m = 43 among those that a multiplier of order 3 leaves unchanged.
/// </remarks>
internal static class HadamardWilliamson
{
    /// <summary>First (m + 1) / 2 signs of the first rows of A, B, C and D; the rest mirrors them.</summary>
    private static readonly string[][] HalfRows =
    [
        ["+++++-++---+", "+-+--+++++--", "+-+++--++-+-", "+--++-+-+---"],
        ["++-++-+++---+++", "+-+--+-+++++--+", "++-+-++----+--+", "++-+-++++--+---"],
        ["++------+--+-+--++-+", "+-+-----+-+++--+++--", "++---+--++----+-+-++", "++-++-++---+-----+-+"],
        ["+++---++-++++-+-++--+-", "+-+-+----+-++-++---++-", "++-++-++-+-+---+--++++", "+++-+++++---++++---+--"],
    ];

    /// <summary>Whether the table has this order.</summary>
    public static bool CanCreate(int order) => Find(order) is not null;

    /// <summary>Builds a matrix of an order that <see cref="CanCreate"/> accepts.</summary>
    public static sbyte[,] Create(int order)
    {
        string[] halves = Find(order)!;
        int circulant = order / 4;

        // [A B C D; −B A −D C; −C D A −B; −D −C B A]: which matrix, and its sign.
        int[,] blocks = { { 1, 2, 3, 4 }, { -2, 1, -4, 3 }, { -3, 4, 1, -2 }, { -4, -3, 2, 1 } };
        sbyte[,] matrix = new sbyte[order, order];
        for (int row = 0; row < order; row++)
        {
            for (int column = 0; column < order; column++)
            {
                int block = blocks[row / circulant, column / circulant];
                int distance = Math.Abs((row % circulant) - (column % circulant));
                bool isPlus = halves[Math.Abs(block) - 1][Math.Min(distance, circulant - distance)] == '+';
                matrix[row, column] = isPlus == (block > 0) ? (sbyte)1 : (sbyte)-1;
            }
        }

        return matrix;
    }

    private static string[]? Find(int order) => Array.Find(HalfRows, halves => order == 4 * ((2 * halves[0].Length) - 1));
}
