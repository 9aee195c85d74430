namespace Pique.Calibration;

/// <summary>The range that an observer would quantize to: what lies outside is clipped to its ends.</summary>
/// <param name="Lowest">Lower end.</param>
/// <param name="Highest">Upper end.</param>
public readonly record struct ObservedRange(float Lowest, float Highest);
