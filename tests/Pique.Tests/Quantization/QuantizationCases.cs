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
        new QuantGranularity.PerBlock(1), new QuantGranularity.PerBlock(5), new QuantGranularity.PerBlock(6), new QuantGranularity.PerBlock(64),
    ];

    internal static readonly SteVariant[] Estimators =
    [
        new SteVariant.Standard(), new SteVariant.Clipped(0.7f), new SteVariant.LearnedStepSize(), new SteVariant.Ewgs(0.3f),
    ];

    internal static IEnumerable<WeightQuantizationSpec> All() =>
        from bits in new[] { 2, 3, 4, 5, 8 }
        from granularity in Granularities
        from estimator in Estimators
        from grid in new (int? PiK, bool Symmetric)[] { (null, true), (null, false), (3, true), (4, true), (4, false) }
        select new WeightQuantizationSpec(bits, granularity, estimator, grid.PiK, grid.Symmetric ? GridKind.TwosComplement : GridKind.Affine);

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
