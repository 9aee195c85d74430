namespace Pique.Configuration;

/// <summary>Search for the scale of a channel or block.</summary>
public enum CalibrationMethod
{
    /// <summary>Round to nearest: the largest magnitude reaches the end of the grid (min–max). Older recipes call it "absmax".</summary>
    Rtn,

    /// <summary>The range ends at a percentile of the magnitudes.</summary>
    Percentile,

    /// <summary>The clip ratio with the least squared error.</summary>
    Mse,

    /// <summary>The clip ratio whose quantized distribution diverges least from the original.</summary>
    Entropy,

    /// <summary>The scales of <see cref="Mse"/>, and codes chosen so that the layer's output changes least: second-order rounding. Needs data.</summary>
    Gptq,
}
