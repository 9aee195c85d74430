using System.CommandLine;
using Pique.Cli.Rendering;

namespace Pique.Cli;

/// <summary>Makes the context of the command that was parsed.</summary>
/// <param name="parsed">The parsed command line.</param>
internal delegate CommandContext ContextFactory(ParseResult parsed);

/// <summary>What a command is given beside its own options.</summary>
/// <param name="Terminal">Where to write.</param>
/// <param name="Time">The clock.</param>
/// <param name="Json">Print one JSON document and nothing else on standard output.</param>
/// <param name="Quiet">No header, progress or log.</param>
/// <param name="Seed">The user's seed, or null.</param>
/// <param name="Threads">The user's thread count, or null.</param>
/// <param name="Arguments">The whole command line, for messages that tell how to repeat it.</param>
/// <param name="Cancellation">Cancelled by the first interrupt.</param>
internal sealed record CommandContext(
    Terminal Terminal,
    TimeProvider Time,
    bool Json,
    bool Quiet,
    long? Seed,
    int? Threads,
    IReadOnlyList<string> Arguments,
    CancellationToken Cancellation)
{
    /// <summary>Whether float32 products may take MKL's fast path on an AMD processor.</summary>
    public bool FastMath { get; init; } = true;

    /// <summary>Loads libtorch. Called before anything that touches a tensor.</summary>
    public void StartTorch()
    {
        TorchRuntime.Initialize(new RuntimeOptions { Threads = Threads, FastMathOnAmd = FastMath });
        foreach (string warning in TorchRuntime.Report.Warnings)
        {
            Note($"warning: {warning}");
        }
    }

    /// <summary>Writes a line to standard error, unless quiet.</summary>
    /// <param name="line">The line.</param>
    public void Note(string line)
    {
        if (!Quiet)
        {
            Terminal.WriteErrorLine(line);
        }
    }
}
