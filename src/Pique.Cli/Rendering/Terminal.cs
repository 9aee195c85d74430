using Spectre.Console;

namespace Pique.Cli.Rendering;

/// <summary>Where the command line writes: results on standard output, progress and log on standard error.</summary>
/// <param name="Output">Console of standard output, for tables.</param>
/// <param name="OutputText">Writer of standard output, for JSON and generated text, neither wrapped nor styled.</param>
/// <param name="Error">Console of standard error.</param>
internal sealed record Terminal(IAnsiConsole Output, TextWriter OutputText, IAnsiConsole Error)
{
    /// <summary>Columns assumed where standard output is no terminal, so that tables are not cut.</summary>
    private const int RedirectedWidth = 120;

    /// <summary>The process's own streams.</summary>
    public static Terminal System() => new(
        Create(Console.Out, Console.IsOutputRedirected),
        Console.Out,
        Create(Console.Error, Console.IsErrorRedirected));

    private static IAnsiConsole Create(TextWriter writer, bool isRedirected)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
        if (isRedirected)
        {
            console.Profile.Width = RedirectedWidth;
        }

        return console;
    }
}
