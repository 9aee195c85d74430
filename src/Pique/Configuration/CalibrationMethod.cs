namespace Pique.Configuration;

/// <summary>Search for the scale of a channel or block.</summary>
public enum CalibrationMethod
{
    /// <summary>The largest magnitude reaches the end of the grid.</summary>
    Absmax,

    /// <summary>The clip ratio with the least squared error.</summary>
    Mse,
}
