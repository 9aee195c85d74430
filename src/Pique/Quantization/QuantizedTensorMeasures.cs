using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>How far a quantized weight is from its original. See docs/math.md §8.</summary>
public static class QuantizedTensorMeasures
{
    /// <summary>Mean squared error, SQNR and cosine similarity.</summary>
    /// <param name="quantized">The quantized weight.</param>
    /// <param name="original">The weight it was made from, shape [rows, columns].</param>
    /// <returns>The error.</returns>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static QuantizationError MeasureError(this QuantizedTensor quantized, Tensor original)
    {
        using Tensor weights = quantized.Dequantize();
        return QuantizationError.Measure(original, weights);
    }

    /// <summary>Change of the spectrum, see <see cref="SpectralDistortion"/>.</summary>
    /// <param name="quantized">The quantized weight.</param>
    /// <param name="original">The weight it was made from, shape [rows, columns].</param>
    /// <returns>Noise to signal of the spectrum's magnitudes.</returns>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static double MeasureSpectralDistortion(this QuantizedTensor quantized, Tensor original)
    {
        using Tensor weights = quantized.Dequantize();
        return SpectralDistortion.Measure(original, weights);
    }

    /// <summary>Share of the largest weights that came within a step of themselves, see <see cref="OutlierRetention"/>.</summary>
    /// <param name="quantized">The quantized weight.</param>
    /// <param name="original">The weight it was made from, shape [rows, columns].</param>
    /// <returns>0 to 1.</returns>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static double MeasureOutlierRetention(this QuantizedTensor quantized, Tensor original)
    {
        using DisposeScope scope = NewDisposeScope();
        float[] scales = new float[quantized.Layout.GroupCount];
        for (int group = 0; group < scales.Length; group++)
            scales[group] = quantized.ScaleOf(group);
        return OutlierRetention.Measure(original, quantized.Dequantize(), quantized.Layout, tensor(scales, quantized.Layout.ScaleShape));
    }
}
