using System.Numerics;

namespace Pique.Numerics;

/// <summary>Square matrices H of ±1 with H·Hᵀ = n·I.</summary>
/// <remarks>
/// Sylvester 1867 (doubling, and Kronecker products in general) over Paley 1933 (order q + 1 for prime powers q ≡ 3 (mod 4), order
/// 2(q + 1) for prime powers q ≡ 1 (mod 4)) and Williamson 1944 (orders 92, 116, 156 and 172). Every matrix is verified before it is given out.
/// </remarks>
public static class HadamardMatrix
{
    /// <summary>Whether an order can be built here.</summary>
    /// <param name="order">Rows of the matrix, at least 1.</param>
    /// <returns>False also for some orders at which matrices exist, such as 188, which need other constructions.</returns>
    public static bool CanCreate(int order) => HadamardFactors.Find(order) is not null;

    /// <summary>Builds a matrix.</summary>
    /// <param name="order">Rows of the matrix, at least 1.</param>
    /// <returns>Entries +1 and −1, [row, column]; always the same for an order. <see cref="HadamardTransform"/> multiplies by it without building it.</returns>
    /// <exception cref="ArgumentException">The order cannot be built; see <see cref="CanCreate"/>.</exception>
    public static sbyte[,] Create(int order)
    {
        HadamardFactors factors = HadamardFactors.Of(order);
        sbyte[,] product = { { 1 } };
        foreach (int core in factors.Cores)
            product = Kronecker(product, CreateCore(core));
        for (int power = 1; power < factors.PowerOfTwo; power *= 2)
            product = Kronecker(product, new sbyte[,] { { 1, 1 }, { 1, -1 } });
        return product;
    }

    /// <summary>Whether an order has a construction of its own, other than a product.</summary>
    internal static bool CanCreateCore(int order) => HadamardPaley.CanCreate(order) || HadamardWilliamson.CanCreate(order);

    /// <summary>Builds and verifies a matrix of an order that <see cref="CanCreateCore"/> accepts.</summary>
    /// <exception cref="InvalidOperationException">A construction is wrong.</exception>
    internal static sbyte[,] CreateCore(int order)
    {
        sbyte[,] matrix = HadamardPaley.CanCreate(order) ? HadamardPaley.Create(order) : HadamardWilliamson.Create(order);
        if (!IsHadamard(matrix))
            throw new InvalidOperationException($"The construction of order {order} gave no Hadamard matrix.");
        return matrix;
    }

    /// <summary>Whether H·Hᵀ = n·I: of any two rows, exactly half the signs agree.</summary>
    /// <param name="matrix">A matrix; one with other entries than ±1 is none.</param>
    internal static bool IsHadamard(sbyte[,] matrix)
    {
        int order = matrix.GetLength(0), words = (order + 63) / 64;
        if (matrix.GetLength(1) != order)
            return false;
        ulong[] signs = new ulong[order * words];
        for (int row = 0; row < order; row++)
        {
            for (int column = 0; column < order; column++)
            {
                if (matrix[row, column] is not (1 or -1))
                    return false;
                if (matrix[row, column] < 0)
                    signs[(row * words) + (column / 64)] |= 1UL << (column % 64);
            }
        }

        for (int row = 0; row < order; row++)
        {
            for (int other = 0; other < row; other++)
            {
                int differing = 0;
                for (int word = 0; word < words; word++)
                    differing += BitOperations.PopCount(signs[(row * words) + word] ^ signs[(other * words) + word]);
                if (2 * differing != order)
                    return false;
            }
        }

        return true;
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
