using Pique.Training;

namespace Pique.Pipeline;

/// <summary>Peak memory of passes of one and of two rows, from which that of any number follows: it grows by the same for each row.</summary>
/// <param name="FirstRowBytes">Peak with one row at once, everything the process holds included.</param>
/// <param name="RowBytes">What each further row adds.</param>
internal sealed record MemoryProbe(double FirstRowBytes, double RowBytes)
{
    /// <summary>Peak with so many rows at once.</summary>
    /// <param name="rows">Rows; at least 1.</param>
    public double PeakBytes(long rows) => FirstRowBytes + ((rows - 1) * RowBytes);

    /// <summary>Measures. No weight changes.</summary>
    /// <param name="trainer">A trainer that has not run yet.</param>
    /// <param name="rows">Rows at once in the run; with one, nothing needs to be known of a second.</param>
    /// <returns>The measurement; null where the system does not tell.</returns>
    public static MemoryProbe? Run(Trainer trainer, long rows)
    {
        // The first pass also pays for what is made once: tables, threads, compiled code.
        if (trainer.Rehearse(1) is null || trainer.Rehearse(1) is not { } first)
        {
            return null;
        }

        return rows < 2 ? new(first, 0) : trainer.Rehearse(2) is { } second ? new(first, Math.Max(0, second - first)) : null;
    }
}
