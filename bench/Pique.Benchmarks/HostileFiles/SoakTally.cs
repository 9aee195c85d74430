namespace Pique.Benchmarks.HostileFiles;

/// <summary>What became of the damaged versions of one subject.</summary>
/// <param name="name">Name of the subject.</param>
internal sealed class SoakTally(string name)
{
    /// <summary>Name of the subject.</summary>
    public string Subject { get; } = name;

    /// <summary>Versions that were read.</summary>
    public int Read { get; private set; }

    /// <summary>Versions that were refused as wrong input.</summary>
    public int Refused { get; private set; }

    /// <summary>Longest time one took.</summary>
    public double WorstMilliseconds { get; private set; }

    /// <summary>The case that took it.</summary>
    public long SlowestCase { get; private set; }

    /// <summary>Most managed memory that one allocated, in all.</summary>
    public long WorstAllocatedBytes { get; private set; }

    /// <summary>The case that allocated it.</summary>
    public long LargestCase { get; private set; }

    /// <summary>Counts a case.</summary>
    public void Add(long index, bool refused, TimeSpan time, long allocatedBytes)
    {
        if (refused)
            Refused++;
        else
            Read++;
        if (time.TotalMilliseconds > WorstMilliseconds)
            (WorstMilliseconds, SlowestCase) = (time.TotalMilliseconds, index);
        if (allocatedBytes > WorstAllocatedBytes)
            (WorstAllocatedBytes, LargestCase) = (allocatedBytes, index);
    }
}
