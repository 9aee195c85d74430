using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>How many of the largest weights survive quantization. See docs/math.md §8.</summary>
/// <remarks>
/// The outliers are the ⌊count/100⌋ weights of largest |w|, one at least, with all that equal the smallest of them. An outlier is
/// retained where |w − ŵ| ≤ s, the scale of its group: clipping may take one step off it.
/// </remarks>
public static class OutlierRetention
{
    /// <summary>One weight of so many counts as an outlier.</summary>
    public const int WeightsPerOutlier = 100;

    /// <summary>Measures the share of outliers that are retained.</summary>
    /// <param name="original">Weights, shape [rows, columns].</param>
    /// <param name="quantized">Quantized weights, same shape.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="scales">Scales, shape [lines, blocksPerLine], float32.</param>
    /// <returns>0 to 1; 1 for no weights.</returns>
    /// <exception cref="ArgumentException">A shape is not the layout's.</exception>
    public static double Measure(Tensor original, Tensor quantized, GroupLayout layout, Tensor scales)
    {
        ShapeAgreement.Require(original, quantized);
        if (!original.shape.SequenceEqual([layout.Rows, layout.Columns]))
            throw new ArgumentException($"Found shape [{string.Join(", ", original.shape)}], expected [{layout.Rows}, {layout.Columns}].", nameof(original));
        if (!scales.shape.SequenceEqual(layout.ScaleShape))
            throw new ArgumentException($"Found scales of shape [{string.Join(", ", scales.shape)}], expected [{string.Join(", ", layout.ScaleShape)}].", nameof(scales));
        if (layout.WeightCount == 0)
            return 1;

        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor exact = original.detach().to(ScalarType.Float64).reshape(-1);
        Tensor magnitudes = exact.abs();
        int least = (int)Math.Max(1, layout.WeightCount / WeightsPerOutlier);
        Tensor outliers = magnitudes.ge(magnitudes.topk(least).values.min()).nonzero().view(-1);
        Tensor residuals = exact.sub_(quantized.detach().to(ScalarType.Float64).reshape(-1)).abs_().index_select(0, outliers);
        long[] places = outliers.data<long>().ToArray();
        double[] lost = residuals.data<double>().ToArray();
        float[] steps = scales.detach().contiguous().data<float>().ToArray();
        return places.Zip(lost).Count(outlier => outlier.Second <= steps[layout.GroupOf(outlier.First)]) / (double)places.Length;
    }
}
