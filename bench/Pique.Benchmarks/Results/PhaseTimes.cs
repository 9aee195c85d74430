using System.Diagnostics;
using Pique.Pipeline;

namespace Pique.Benchmarks.Results;

/// <summary>Adds up the time of the phases of a run that make the model; loading and measuring are left out.</summary>
internal sealed class PhaseTimes
{
    private static readonly PipelinePhase[] Makes = [PipelinePhase.Rotate, PipelinePhase.Calibrate, PipelinePhase.Train, PipelinePhase.Convert];

    private PipelinePhase? _current;
    private long _started;

    /// <summary>Time of the phases that are over.</summary>
    public TimeSpan Making { get; private set; }

    /// <summary>A phase begins, and with it the one before ends.</summary>
    public void Begin(PipelinePhase phase)
    {
        if (_current is { } over && Makes.Contains(over))
            Making += Stopwatch.GetElapsedTime(_started);
        (_current, _started) = (phase, Stopwatch.GetTimestamp());
    }
}
