using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>How far quantized weights are from their originals. See docs/math.md §8.</summary>
/// <param name="MeanSquaredError">mean (w − ŵ)²; 0 for no weights.</param>
/// <param name="SqnrDecibels">10·log₁₀(Σw² / Σ(w − ŵ)²); +∞ where nothing was lost.</param>
/// <param name="CosineSimilarity">Σw·ŵ / √(Σw²·Σŵ²); 1 where both are zero, 0 where one is.</param>
public sealed record QuantizationError(double MeanSquaredError, double SqnrDecibels, double CosineSimilarity)
{
    /// <summary>Weights that are in memory as float64 at a time.</summary>
    private const long PieceWeights = 1 << 20;

    /// <summary>Measures the error, summed in float64.</summary>
    /// <param name="original">Weights, any shape.</param>
    /// <param name="quantized">Quantized weights, same shape.</param>
    /// <returns>The error.</returns>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public static QuantizationError Measure(Tensor original, Tensor quantized)
    {
        ShapeAgreement.Require(original, quantized);
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor originals = original.detach().reshape(-1), others = quantized.detach().reshape(-1);
        double signal = 0, roundedSignal = 0, noise = 0, product = 0;
        for (long first = 0; first < originals.shape[0]; first += PieceWeights)
        {
            using DisposeScope piece = NewDisposeScope();
            long count = Math.Min(PieceWeights, originals.shape[0] - first);
            Tensor exact = originals.narrow(0, first, count).to(ScalarType.Float64);
            Tensor rounded = others.narrow(0, first, count).to(ScalarType.Float64);
            signal += exact.Squared().sum().item<double>();
            roundedSignal += rounded.Squared().sum().item<double>();
            noise += exact.sub(rounded).Squared().sum().item<double>();
            product += exact.mul(rounded).sum().item<double>();
        }

        double cosine = signal == 0 && roundedSignal == 0 ? 1 : product == 0 ? 0 : product / Math.Sqrt(signal * roundedSignal);
        double sqnr = noise == 0 ? double.PositiveInfinity : 10 * Math.Log10(signal / noise);
        return new(noise / Math.Max(1, original.numel()), sqnr, cosine);
    }
}
