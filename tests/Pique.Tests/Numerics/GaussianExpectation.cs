using Pique.Numerics;

namespace Pique.Tests.Numerics;

/// <summary>The expected squared error of rounding N(0,1) to the levels of a grid, in closed form, and the step that makes it least.</summary>
/// <remarks>
/// With levels lᵢ·s and boundaries midway between them, E(x − x̂)² = 1 − 2·Σ lᵢs·(φ(tᵢ) − φ(tᵢ₊₁)) + Σ (lᵢs)²·(Φ(tᵢ₊₁) − Φ(tᵢ)), where
/// t runs over −∞, the boundaries and +∞.
/// </remarks>
internal static class GaussianExpectation
{
    /// <summary>Levels of a symmetric grid in units of the step; the narrow one lacks the lowest.</summary>
    internal static double[] Levels(CodeGrid grid, bool narrow = false)
    {
        double lowest = narrow ? -grid.MaxLevel : grid.MinLevel;
        return [.. Enumerable.Range(0, (int)(grid.MaxLevel - lowest) + 1).Select(index => lowest + index)];
    }

    internal static double SquaredError(double[] levels, double step)
    {
        double error = 1;
        double density = 0, above = 1;
        for (int i = 0; i < levels.Length; i++)
        {
            double boundary = (levels[i] + 0.5) * step;
            bool last = i == levels.Length - 1;
            double nextDensity = last ? 0 : Math.Exp(-boundary * boundary / 2) / Math.Sqrt(2 * Math.PI);
            double nextAbove = last ? 0 : 0.5 * Erfc(boundary / Math.Sqrt(2));
            double value = levels[i] * step;
            error += (value * value * (above - nextAbove)) - (2 * value * (density - nextDensity));
            (density, above) = (nextDensity, nextAbove);
        }

        return error;
    }

    /// <summary>The step of least expected error, by golden section between 2^−bits and 4 times as much and more.</summary>
    internal static double BestStep(double[] levels)
    {
        double shrink = (Math.Sqrt(5) - 1) / 2;
        double left = 1.0 / levels.Length, right = 16.0 / levels.Length;
        while (right - left > 1e-7)
        {
            double low = right - (shrink * (right - left)), high = left + (shrink * (right - left));
            if (SquaredError(levels, low) < SquaredError(levels, high))
                right = high;
            else
                left = low;
        }

        return (left + right) / 2;
    }

    internal static double Decibels(double squaredError) => -10 * Math.Log10(squaredError);

    /// <summary>1 − erf x: the Taylor series near zero, the continued fraction of Abramowitz and Stegun 7.1.14 beyond.</summary>
    internal static double Erfc(double x)
    {
        if (x < 0)
            return 2 - Erfc(-x);
        if (x < 2.5)
        {
            double term = x, sum = x;
            for (int n = 1; Math.Abs(term) > 1e-18; n++)
            {
                term *= -x * x / n;
                sum += term / ((2 * n) + 1);
            }

            return 1 - (2 / Math.Sqrt(Math.PI) * sum);
        }

        double fraction = x;
        for (int n = 80; n > 0; n--)
            fraction = x + (n / 2.0 / fraction);
        return Math.Exp(-x * x) / (Math.Sqrt(Math.PI) * fraction);
    }
}
