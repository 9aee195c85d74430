using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using static TorchSharp.torch;

namespace Pique.Tests.Quantization;

/// <summary>Every combination of bits, grid, granularity and estimator the tests run over, and seeded weights to run them on.</summary>
internal static class QuantizationCases
{
    internal static readonly QuantGranularity[] Granularities =
    [
        new QuantGranularity.PerTensor(), new QuantGranularity.PerChannel(), new QuantGranularity.PerToken(),
        new QuantGranularity.PerBlock(1), new QuantGranularity.PerBlock(5), new QuantGranularity.PerBlock(6), new QuantGranularity.PerBlock(16), new QuantGranularity.PerBlock(32), new QuantGranularity.PerBlock(64),
    ];

    internal static readonly SteVariant[] Estimators =
    [
        new SteVariant.Standard(), new SteVariant.Clipped(0.7f), new SteVariant.LearnedStepSize(), new SteVariant.Ewgs(0.3f), new SteVariant.EwgsSigned(0.2f),
    ];

    internal static IEnumerable<WeightQuantizationSpec> All() =>
        from bits in new[] { 2, 3, 4, 5, 8 }
        from granularity in Granularities
        from estimator in Estimators
        from spec in Grids(bits, granularity, estimator)
        select spec;

    private static IEnumerable<WeightQuantizationSpec> Grids(int bits, QuantGranularity granularity, SteVariant estimator)
    {
        WeightQuantizationSpec plain = new(bits, granularity, estimator);
        yield return plain;
        yield return plain with { Kind = GridKind.Affine };
        yield return plain with { Kind = GridKind.HalfInteger };
        yield return plain with { PiK = 3 };
        yield return plain with { PiK = 4, Kind = GridKind.Affine };
        yield return plain with { PiK = 2, PiKPerChannel = true };
        if (granularity is QuantGranularity.PerBlock block && TwoLevelScale.Exists(bits, block.BlockSize))
        {
            yield return plain with { TwoLevelScales = true };
            yield return plain with { TwoLevelScales = true, PiK = 4 };
        }
    }

    /// <summary>The cases that differ in the forward pass: the scale learned, and the scale recomputed.</summary>
    internal static IEnumerable<WeightQuantizationSpec> LearnedAndNot() =>
        All().Where(spec => spec.Estimator is SteVariant.Standard or SteVariant.LearnedStepSize);

    /// <summary>Weights with a zero row, a constant row and exact ties among them.</summary>
    internal static float[] Weights(int rows, int columns, int seed)
    {
        Random random = new(seed);
        float[] weights = new float[rows * columns];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = (i / columns) switch
            {
                0 => 0f,
                1 => 0.375f,
                2 => random.Next(-9, 10) * 0.125f,
                _ => (float)((random.NextDouble() - 0.4) * 2.5),
            };
        }

        return weights;
    }

    internal static Tensor Matrix(float[] weights, int rows, int columns) => tensor(weights, [rows, columns]);

    internal static int[] Bits(Tensor values) => Bits(values.data<float>().ToArray());

    internal static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);
}
