namespace Pique.Benchmarks.Calibration;

/// <summary>Parts of the study of calibration.</summary>
internal enum CalibrationPart
{
    /// <summary>Every method on several grids.</summary>
    Methods,

    /// <summary>Divisions of bits over layers.</summary>
    Bits,

    /// <summary>Starts of training.</summary>
    Starts,
}
