using CsCheck;
using Pique.Calibration;

namespace Pique.Tests.Calibration.Sensitivity;

public sealed class BitAllocationTests
{
    private static readonly Gen<(long, IReadOnlyList<double>)> Layer = Gen.Select(
        Gen.Long[1, 12], Gen.Double[0, 1].Array[5], (weights, losses) => (weights, (IReadOnlyList<double>)losses));

    /// <summary>The reference tries every combination.</summary>
    [Fact]
    public void No_other_choice_within_the_average_has_a_smaller_loss() =>
        Gen.Select(Layer.Array[1, 5], Gen.Double[2, 8.5]).Sample((layers, average) =>
        {
            IReadOnlyList<int> bits = BitAllocation.Choose(layers, average);
            long weights = layers.Sum(layer => layer.Item1);
            Assert.True(Spent(layers, bits) <= average * weights);
            double best = double.PositiveInfinity;
            foreach (int[] other in Combinations(layers.Length))
            {
                if (Spent(layers, other) <= average * weights)
                    best = Math.Min(best, Loss(layers, other));
            }

            Assert.Equal(best, Loss(layers, bits), 1e-12);
        });

    [Fact]
    public void Sensitive_layers_get_more_bits()
    {
        double[] steep = [8, 4, 2, 1, 0.1], flat = [0.8, 0.4, 0.2, 0.1, 0.01];
        Assert.Equal([4, 2], BitAllocation.Choose([(1000, steep), (1000, flat)], 3));
    }

    [Fact]
    public void Odd_weight_counts_keep_the_average()
    {
        Random random = new(1);
        (long, IReadOnlyList<double>)[] layers = [.. Enumerable.Range(0, 40).Select(_ =>
        {
            double scale = random.NextDouble();
            return (random.NextInt64(1_000_000, 9_999_999), (IReadOnlyList<double>)[.. BitAllocation.BitWidths.Select(bits => scale * Math.Pow(4, -bits))]);
        })];
        IReadOnlyList<int> bits = BitAllocation.Choose(layers, 3.3);
        double average = Spent(layers, bits) / (double)layers.Sum(layer => layer.Item1);
        Assert.InRange(average, 3.29, 3.3);
    }

    [Fact]
    public void Losses_that_are_no_numbers_count_as_the_worst()
    {
        double[] broken = [double.NaN, double.PositiveInfinity, 0.2, 0.1, 0.0], flat = [0.1, 0.1, 0.1, 0.1, 0.1];
        Assert.Equal([4, 2], BitAllocation.Choose([(10, broken), (10, flat)], 3));
        Assert.Equal([2, 2], BitAllocation.Choose([(10, broken), (10, flat)], 2));
    }

    [Fact]
    public void Nothing_to_divide_is_no_fault_but_impossible_layers_are()
    {
        Assert.Empty(BitAllocation.Choose([], 3));
        Assert.Throws<ArgumentException>(() => BitAllocation.Choose([(10, [1, 1, 1, 1, 1])], 1.5));
        Assert.Throws<ArgumentException>(() => BitAllocation.Choose([(10, [1, 1])], 3));
        Assert.Throws<ArgumentException>(() => BitAllocation.Choose([(0, [1, 1, 1, 1, 1])], 3));
    }

    private static IEnumerable<int[]> Combinations(int layers) => layers == 0
        ? [[]]
        : Combinations(layers - 1).SelectMany(rest => BitAllocation.BitWidths.Select(bits => (int[])[.. rest, bits]));

    private static long Spent((long Weights, IReadOnlyList<double>)[] layers, IReadOnlyList<int> bits) => layers.Zip(bits, (layer, width) => layer.Weights * width).Sum();

    private static double Loss((long, IReadOnlyList<double> Losses)[] layers, IReadOnlyList<int> bits) =>
        layers.Zip(bits, (layer, width) => layer.Losses[BitAllocation.BitWidths.ToList().IndexOf(width)]).Sum();
}
