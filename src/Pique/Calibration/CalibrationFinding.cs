namespace Pique.Calibration;

/// <summary>Something about the calibration samples that spoils statistics.</summary>
/// <param name="Message">Where, what was found against what was expected, what to do.</param>
/// <param name="IsFatal">Whether no calibration can come of it; else it is a warning.</param>
public sealed record CalibrationFinding(string Message, bool IsFatal)
{
    /// <summary>Refuses to go on where a finding is fatal.</summary>
    /// <param name="findings">Findings.</param>
    /// <exception cref="InputException">A finding is fatal; names all that are.</exception>
    public static void ThrowIfFatal(IEnumerable<CalibrationFinding> findings)
    {
        string[] fatal = [.. findings.Where(finding => finding.IsFatal).Select(finding => finding.Message)];
        if (fatal.Length > 0)
            throw new InputException(string.Join('\n', fatal));
    }
}
