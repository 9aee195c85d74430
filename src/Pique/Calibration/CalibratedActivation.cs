using Pique.Configuration;

namespace Pique.Calibration;

/// <summary>What calibration found of the inputs of one layer.</summary>
/// <param name="TokenCount">Inputs looked at.</param>
/// <param name="RootMeanSquare">√E[x²] over all channels.</param>
/// <param name="MinMax">From the lowest to the highest value.</param>
/// <param name="Percentile">The range of the recipe's percentile, see <see cref="PercentileObserver"/>.</param>
/// <param name="Mse">The range of least squared error at the recipe's activation bits, see <see cref="MseObserver"/>.</param>
/// <param name="Entropy">The range of least divergence at these bits, see <see cref="EntropyObserver"/>.</param>
public sealed record CalibratedActivation(
    long TokenCount,
    double RootMeanSquare,
    ObservedRange MinMax,
    ObservedRange Percentile,
    ObservedRange Mse,
    ObservedRange Entropy)
{
    /// <summary>The range that a calibration method stands for.</summary>
    /// <param name="method">The method.</param>
    public ObservedRange RangeOf(CalibrationMethod method) => method switch
    {
        CalibrationMethod.Rtn => MinMax,
        CalibrationMethod.Percentile => Percentile,
        CalibrationMethod.Mse or CalibrationMethod.Gptq => Mse,
        CalibrationMethod.Entropy => Entropy,
        _ => throw new ArgumentOutOfRangeException(nameof(method), method, "Unknown calibration method."),
    };

    /// <summary>Scale and zero point of a static affine grid over a range, zero among its levels.</summary>
    /// <param name="range">The range.</param>
    /// <param name="bits">Bits a code.</param>
    /// <returns>Float32 scale, and integer zero point of 0 … 2^bits − 1.</returns>
    public static (float Scale, int ZeroPoint) AffineGrid(ObservedRange range, int bits)
    {
        float lowest = MathF.Min(0, range.Lowest);
        float highest = MathF.Max(0, range.Highest);
        int maxCode = (1 << bits) - 1;
        float scale = (highest - lowest) / maxCode;
        return scale > 0 ? (scale, (int)Math.Clamp(MathF.Round(-lowest / scale), 0, maxCode)) : (1, 0);
    }
}
