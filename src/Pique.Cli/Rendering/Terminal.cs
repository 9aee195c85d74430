using Spectre.Console;

namespace Pique.Cli.Rendering;

/// <summary>Where the command line writes: results on standard output, progress and log on standard error.</summary>
/// <param name="Output">Console of standard output, for tables.</param>
/// <param name="OutputText">Writer of standard output, for JSON and generated text, neither wrapped nor styled.</param>
/// <param name="Error">Console of standard error.</param>
internal sealed record Terminal(IAnsiConsole Output, TextWriter OutputText, IAnsiConsole Error)
{
    /// <summary>Columns assumed where an output is no terminal, so that tables are not cut.</summary>
    private const int RedirectedWidth = 160;

    /// <summary>The process's own streams.</summary>
    public static Terminal System() => new(
        Create(Console.Out, Console.IsOutputRedirected),
        Console.Out,
        Create(Console.Error, Console.IsErrorRedirected));

    /// <summary>Writes a line to standard error, neither wrapped nor styled.</summary>
    /// <param name="line">The line.</param>
    public void WriteErrorLine(string line) => Error.Profile.Out.Writer.WriteLine(line);

    private static IAnsiConsole Create(TextWriter writer, bool isRedirected)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Interactive = isRedirected ? InteractionSupport.No : InteractionSupport.Detect,
        });
        if (isRedirected)
        {
            console.Profile.Width = RedirectedWidth;
        }

        return console;
    }
}
