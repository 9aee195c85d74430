namespace Pique.Cli.Tests;

/// <summary>The system's clock, which notes who reads it and can interrupt a run at a certain reading.</summary>
internal sealed class StepClock(int? interruptAtReading = null, CancellationTokenSource? interrupt = null) : TimeProvider
{
    private int _readings;

    /// <summary>Threads that read the clock.</summary>
    public HashSet<int> Threads { get; } = [];

    public override long GetTimestamp()
    {
        Threads.Add(Environment.CurrentManagedThreadId);
        if (++_readings == interruptAtReading)
            interrupt!.Cancel();
        return System.GetTimestamp();
    }
}
