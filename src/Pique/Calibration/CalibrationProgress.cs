namespace Pique.Calibration;

/// <summary>How far calibration is.</summary>
/// <param name="Stage">What it is at.</param>
/// <param name="Done">Units done.</param>
/// <param name="Total">Units in all.</param>
public readonly record struct CalibrationProgress(CalibrationStage Stage, int Done, int Total);

/// <summary>What calibration does, in order.</summary>
public enum CalibrationStage
{
    /// <summary>Watches what enters the layers; counted in batches.</summary>
    Inputs,

    /// <summary>Analyses the sensitivity of layers; counted in layers.</summary>
    Sensitivity,

    /// <summary>Second-order rounding; counted in blocks of the model.</summary>
    Rounding,
}
