using System.Numerics;

namespace Pique.Numerics;

/// <summary>An order as a Kronecker product: orders with constructions of their own, leftmost first, and last a power of two.</summary>
/// <param name="Cores">Orders of the matrices of signs; every one is a multiple of 4 and at least 12.</param>
/// <param name="PowerOfTwo">Order of Sylvester's matrix.</param>
internal sealed record HadamardFactors(IReadOnlyList<int> Cores, int PowerOfTwo)
{
    private const int SmallestCore = 12;

    /// <summary>Neighbours in a line that fill a vector of float32.</summary>
    private const int VectorValues = 8;

    /// <summary>What a line without whole vectors of neighbours costs more, in additions a value; measured.</summary>
    private const int ShortNeighbourhoodCost = 24;

    /// <summary>Finds the cheapest product: a core costs as many additions a value as its order. Among equals the largest power of two.</summary>
    /// <param name="order">At least 1.</param>
    /// <returns>Null where there is none.</returns>
    public static HadamardFactors? Find(int order)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(order, 1);
        HadamardFactors? best = null;
        for (int power = BitOperations.TrailingZeroCount(order); power >= 0; power--)
        {
            if (Cheapest(order >> power, SmallestCore) is { } cores && new HadamardFactors(cores, 1 << power) is var found && (best is null || found.Cost < best.Cost))
                best = found;
        }

        return best;
    }

    /// <summary>Finds the product, which must exist.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static HadamardFactors Of(int order) => Find(order)
        ?? throw new ArgumentException($"Order {order}: no product of a power of two and orders of Paley and Williamson matrices; ask CanCreate first, or use a random orthogonal matrix.", nameof(order));

    private int Cost => Cores.Sum() + (PowerOfTwo < VectorValues ? ShortNeighbourhoodCost : 0);

    /// <summary>Cores, smallest first, with a given product and the smallest sum; null for none.</summary>
    private static List<int>? Cheapest(int product, int smallest)
    {
        if (product == 1)
            return [];
        List<int>? best = null;
        foreach (int core in Divisors(product).Where(divisor => divisor >= smallest && divisor % 4 == 0))
        {
            // Two cores or more: the smallest is at most the root.
            if (core != product && core > product / core)
                continue;
            if (HadamardMatrix.CanCreateCore(core) && Cheapest(product / core, core) is { } rest && (best is null || core + rest.Sum() < best.Sum()))
                best = [core, .. rest];
        }

        return best;
    }

    private static IEnumerable<int> Divisors(int number)
    {
        for (int divisor = 1; divisor <= number / divisor; divisor++)
        {
            if (number % divisor != 0)
                continue;
            yield return divisor;
            if (divisor != number / divisor)
                yield return number / divisor;
        }
    }
}
