namespace Pique.Configuration;

/// <summary>How the initial scales of the weights are found.</summary>
public sealed record CalibrationRecipe
{
    /// <summary>The search for a scale.</summary>
    public CalibrationMethod Method { get; init; } = CalibrationMethod.Mse;
}
