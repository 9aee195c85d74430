using Pique.Configuration;

namespace Pique.Numerics;

/// <summary>Leads from a recipe's calibration method to the search that carries it out.</summary>
public static class CalibrationMethodExtensions
{
    /// <summary>The search a calibration method stands for.</summary>
    /// <param name="method">The recipe's method.</param>
    /// <returns>How scales are found.</returns>
    public static ScaleMethod ToScaleMethod(this CalibrationMethod method) => method switch
    {
        CalibrationMethod.Absmax => ScaleMethod.AbsMax,
        CalibrationMethod.Mse => ScaleMethod.MinimumError,
        _ => throw new ArgumentOutOfRangeException(nameof(method), method, "Unknown calibration method."),
    };
}
