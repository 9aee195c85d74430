using System.CommandLine;

namespace Pique.Cli;

/// <summary>Options that every command takes.</summary>
internal static class GlobalOptions
{
    public static readonly Option<bool> Json = new("--json")
    {
        Description = "Print one JSON document on standard output and nothing else.",
        Recursive = true,
    };

    public static readonly Option<bool> Quiet = new("--quiet")
    {
        Description = "No header, progress or log.",
        Recursive = true,
    };

    public static readonly Option<long?> Seed = new("--seed")
    {
        Description = "Seed of every random choice.",
        Recursive = true,
    };

    public static readonly Option<int?> Threads = new("--threads")
    {
        Description = "Threads to compute with [default: one a core].",
        Recursive = true,
    };

    public static IEnumerable<Option> All => [Json, Quiet, Seed, Threads];
}
