using System.CommandLine;

namespace Pique.Cli;

/// <summary>Options that every command takes.</summary>
internal sealed class GlobalOptions
{
    public GlobalOptions()
    {
        Threads.Validators.Add(result =>
        {
            if (result.Errors.Any())
            {
                return;
            }

            if (result.GetValueOrDefault<int?>() is int threads and < 1)
            {
                result.AddError($"--threads: found {threads}, expected 1 or more.");
            }
        });
    }

    public Option<bool> Json { get; } = new("--json")
    {
        Description = "Print one JSON document on standard output and nothing else.",
        Recursive = true,
    };

    public Option<bool> Quiet { get; } = new("--quiet")
    {
        Description = "No header, progress or log.",
        Recursive = true,
    };

    public Option<long?> Seed { get; } = new("--seed")
    {
        Description = "Seed of every random choice.",
        HelpName = "N",
        Recursive = true,
    };

    public Option<int?> Threads { get; } = new("--threads")
    {
        Description = "Threads to compute with [default: one per processor].",
        HelpName = "N",
        Recursive = true,
    };

    public Option<bool> NoFastMath { get; } = new("--no-fast-math")
    {
        Description = "Leave float32 products on the path MKL takes by itself on AMD processors.",
        Recursive = true,
    };

    public IEnumerable<Option> All => [Json, Quiet, Seed, Threads, NoFastMath];
}
