using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>How far a matrix's largest weight stands out.</summary>
/// <remarks>
/// W of m rows and n columns is μ-incoherent where max|Wᵢⱼ| ≤ μ·‖W‖_F/√(mn); the measure is the least such μ, which is max|w| over the root
/// mean square. 1 for weights of equal magnitude, about √(2·ln(mn)) for Gaussian ones, √(mn) for a single weight among zeros.
/// QuIP, Chee et al. 2023, arXiv:2307.13304, definition 1.
/// </remarks>
public static class Incoherence
{
    /// <summary>Measures the least μ, in float64.</summary>
    /// <param name="weight">Weights of any shape.</param>
    /// <returns>At least 1; 1 where there are no weights or all are zero, since every μ then holds.</returns>
    public static double Measure(Tensor weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        if (weight.numel() == 0)
            return 1;
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor exact = weight.detach().to(ScalarType.Float64);
        double largest = exact.abs().max().item<double>();

        // Scaled before it is squared, so that no square overflows or vanishes.
        return largest == 0 ? 1 : Math.Max(1, 1 / Math.Sqrt(exact.div(HeldScalar.Of(largest)).Squared().mean().item<double>()));
    }
}
