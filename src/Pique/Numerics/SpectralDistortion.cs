using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>How far quantization changes the spectrum of a weight matrix. See docs/math.md §8.</summary>
/// <remarks>
/// Σ(|F(w)| − |F(ŵ)|)² / Σ|F(w)|² over the magnitudes of the two-dimensional discrete Fourier transform: noise to signal, the inverse
/// of the ratio that SQNR is, blind to phase. By Parseval's theorem it is at most Σ(w − ŵ)² / Σw².
/// </remarks>
public static class SpectralDistortion
{
    /// <summary>Measures the distortion in float64; takes some 50 bytes a weight while it runs.</summary>
    /// <param name="original">Weights, shape [rows, columns].</param>
    /// <param name="quantized">Quantized weights, same shape.</param>
    /// <returns>0 where no magnitude changed; +∞ where only the original is zero.</returns>
    /// <exception cref="ArgumentException">The shapes differ or are no matrix's.</exception>
    public static double Measure(Tensor original, Tensor quantized)
    {
        ShapeAgreement.Require(original, quantized);
        if (original.dim() != 2)
            throw new ArgumentException($"Found shape [{string.Join(", ", original.shape)}], expected [rows, columns].", nameof(original));
        if (original.numel() == 0)
            return 0;

        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor magnitudes = Magnitudes(original);
        double noise = magnitudes.sub(Magnitudes(quantized)).Squared().sum().item<double>();
        double signal = magnitudes.Squared().sum().item<double>();
        return noise == 0 ? 0 : noise / signal;
    }

    private static Tensor Magnitudes(Tensor weight)
    {
        using Tensor exact = weight.detach().to(ScalarType.Float64);
        using Tensor spectrum = fft.fft2(exact);
        return spectrum.abs();
    }
}
