using System.Globalization;
using System.Text;
using Pique.Cli.Rendering;
using Spectre.Console;

namespace Pique.Cli.Tests;

/// <summary>Runs the command line in this process and keeps what it writes.</summary>
internal sealed class FakeTerminal
{
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _error = new();

    /// <summary>Everything on standard output, without blanks at line ends.</summary>
    public string Output => Trimmed(_output);

    /// <summary>Everything on standard error, without blanks at line ends.</summary>
    public string Error => Trimmed(_error);

    public Terminal Terminal => new(Create(_output), Writer(_output), Create(_error));

    /// <summary>Runs one command line.</summary>
    public static (int ExitCode, string Output, string Error) Run(params string[] arguments) =>
        Run(TimeProvider.System, TestContext.Current.CancellationToken, arguments);

    /// <summary>Runs one command line with a clock and an interrupt.</summary>
    public static (int ExitCode, string Output, string Error) Run(TimeProvider time, CancellationToken cancellation, params string[] arguments)
    {
        var fake = new FakeTerminal();
        int exitCode = CommandLine.Run(arguments, fake.Terminal, time, cancellation);
        return (exitCode, fake.Output, fake.Error);
    }

    private static string Trimmed(StringBuilder text) => string.Join('\n', text.ToString().Split('\n').Select(line => line.TrimEnd()));

    private static StringWriter Writer(StringBuilder text) => new(text, CultureInfo.InvariantCulture) { NewLine = "\n" };

    private static IAnsiConsole Create(StringBuilder text)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(Writer(text)),
        });
        console.Profile.Width = 160;
        console.Profile.Capabilities.Unicode = true;
        return console;
    }
}
