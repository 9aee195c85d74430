namespace Pique.Numerics;

/// <summary>Square matrices H of ±1 with H·Hᵀ = n·I.</summary>
/// <remarks>Sylvester 1867 (doubling, and Kronecker products in general) over Paley 1933: construction I of order q + 1 for primes q ≡ 3 (mod 4), construction II of order 2(q + 1) for primes q ≡ 1 (mod 4).</remarks>
public static class HadamardMatrix
{
    /// <summary>Whether an order can be built here.</summary>
    /// <param name="order">Rows of the matrix, at least 1.</param>
    /// <returns>False also for some orders at which matrices exist, such as 52 and 92, which need prime powers or tables.</returns>
    public static bool CanCreate(int order)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(order, 1);
        return FindFactors(order) is not null;
    }

    /// <summary>Builds a matrix.</summary>
    /// <param name="order">Rows of the matrix, at least 1.</param>
    /// <returns>Entries +1 and −1, [row, column]; always the same for an order.</returns>
    /// <exception cref="ArgumentException">The order cannot be built; see <see cref="CanCreate"/>.</exception>
    public static sbyte[,] Create(int order)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(order, 1);
        IReadOnlyList<int> factors = FindFactors(order)
            ?? throw new ArgumentException($"Order {order}: no product of 2 and Paley orders over primes; ask CanCreate first, or use a random orthogonal matrix.", nameof(order));
        sbyte[,] product = { { 1 } };
        foreach (int factor in factors)
            product = Kronecker(product, factor == 2 ? new sbyte[,] { { 1, 1 }, { 1, -1 } } : HadamardPaley.Create(factor));
        return product;
    }

    /// <summary>Orders whose product is the order: 2s and Paley orders; null where there are none.</summary>
    private static List<int>? FindFactors(int order)
    {
        if (order == 1)
            return [];

        // Twos first: powers of two then are Sylvester's matrices.
        if (order % 2 == 0 && FindFactors(order / 2) is { } half)
            return [2, .. half];
        for (int factor = 12; factor <= order; factor += 4)
        {
            if (order % factor == 0 && HadamardPaley.CanCreate(factor) && FindFactors(order / factor) is { } rest)
                return [factor, .. rest];
        }

        return null;
    }

    private static sbyte[,] Kronecker(sbyte[,] left, sbyte[,] right)
    {
        int leftOrder = left.GetLength(0), rightOrder = right.GetLength(0);
        sbyte[,] product = new sbyte[leftOrder * rightOrder, leftOrder * rightOrder];
        for (int row = 0; row < product.GetLength(0); row++)
        {
            for (int column = 0; column < product.GetLength(0); column++)
                product[row, column] = (sbyte)(left[row / rightOrder, column / rightOrder] * right[row % rightOrder, column % rightOrder]);
        }

        return product;
    }
}
