namespace Pique.Cli;

/// <summary>What the process returns.</summary>
internal static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>The command line itself is wrong.</summary>
    public const int Usage = 1;

    /// <summary>A configuration, file or text is wrong.</summary>
    public const int Input = 2;

    /// <summary>The run failed.</summary>
    public const int Failed = 3;

    /// <summary>Interrupted after a clean checkpoint.</summary>
    public const int Interrupted = 130;
}
