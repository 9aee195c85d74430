using System.Numerics;

namespace Pique.Calibration;

/// <summary>Divides an average of bits over layers so that the sum of their losses is least.</summary>
/// <remarks>
/// A multiple-choice knapsack, solved by dynamic programming over the bits spent. Bits are counted in units of the greatest common
/// divisor of the layers' weight counts, which makes the solution exact; where that would take more than <see cref="MostUnits"/> units,
/// in coarser ones with each layer's cost rounded up, so that the average is still kept.
/// </remarks>
public static class BitAllocation
{
    /// <summary>The bit widths there are.</summary>
    public static IReadOnlyList<int> BitWidths { get; } = [2, 3, 4, 5, 8];

    private const long MostUnits = 1 << 16;

    private const double Hopeless = 1e12;

    /// <summary>Chooses bits.</summary>
    /// <param name="layers">Weights of each layer, and its loss at each of <see cref="BitWidths"/>.</param>
    /// <param name="averageBits">Most bits a code may have on average over all weights, at least the fewest of <see cref="BitWidths"/>.</param>
    /// <returns>Bits of each layer.</returns>
    /// <exception cref="ArgumentException">The average is below the fewest bits, or a layer has no weights or not a loss for each width.</exception>
    public static IReadOnlyList<int> Choose(IReadOnlyList<(long WeightCount, IReadOnlyList<double> Losses)> layers, double averageBits)
    {
        if (averageBits < BitWidths[0])
            throw new ArgumentException($"Found an average of {averageBits} bits, expected {BitWidths[0]} or more.", nameof(averageBits));
        if (layers.Any(layer => layer.WeightCount < 1 || layer.Losses.Count != BitWidths.Count))
            throw new ArgumentException("Found a layer without weights or without a loss for every bit width.", nameof(layers));
        if (layers.Count == 0)
            return [];

        long weights = layers.Sum(layer => layer.WeightCount);
        long divisor = (long)layers.Select(layer => new BigInteger(layer.WeightCount)).Aggregate(BigInteger.GreatestCommonDivisor);
        long unit = Math.Max(divisor, ((weights * BitWidths[^1]) + MostUnits - 1) / MostUnits);
        int[][] costs = [.. layers.Select(layer => BitWidths.Select(bits => checked((int)(((layer.WeightCount * bits) + unit - 1) / unit))).ToArray())];
        int budget = checked((int)Math.Min(Math.Floor(averageBits * weights / unit), costs.Sum(cost => (double)cost[^1])));
        int least = costs.Sum(cost => cost[0]);
        return Solve(layers, costs, Math.Max(budget, least)); // Rounded-up costs of the fewest bits still fit.
    }

    private static int[] Solve(IReadOnlyList<(long WeightCount, IReadOnlyList<double> Losses)> layers, int[][] costs, int budget)
    {
        double[] best = new double[budget + 1]; // Least loss of the layers so far by units spent.
        Array.Fill(best, double.PositiveInfinity, 1, budget);
        byte[][] choices = new byte[layers.Count][];
        for (int layer = 0; layer < layers.Count; layer++)
        {
            double[] next = new double[budget + 1];
            Array.Fill(next, double.PositiveInfinity);
            choices[layer] = new byte[budget + 1];
            for (int spent = 0; spent <= budget; spent++)
            {
                if (double.IsPositiveInfinity(best[spent]))
                    continue;
                for (int choice = 0; choice < BitWidths.Count; choice++)
                {
                    int then = spent + costs[layer][choice];
                    double loss = best[spent] + Finite(layers[layer].Losses[choice]);
                    if (then <= budget && loss < next[then])
                        (next[then], choices[layer][then]) = (loss, (byte)choice);
                }
            }

            best = next;
        }

        int left = Array.IndexOf(best, best.Min()); // Of equal losses the one that spends least.
        int[] bits = new int[layers.Count];
        for (int layer = layers.Count - 1; layer >= 0; layer--)
        {
            int choice = choices[layer][left];
            bits[layer] = BitWidths[choice];
            left -= costs[layer][choice];
        }

        return bits;
    }

    /// <summary>A loss that is no number, which a model past saving has, counts as worse than any other.</summary>
    private static double Finite(double loss) => double.IsFinite(loss) ? loss : Hopeless;
}
