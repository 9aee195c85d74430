using System.CommandLine;
using Pique.Cli.Commands;
using Pique.Cli.Rendering;

namespace Pique.Cli;

/// <summary>Parses the arguments, runs one command and turns errors into messages and exit codes.</summary>
internal static class CommandLine
{
    /// <summary>Runs the command that the arguments name.</summary>
    /// <param name="arguments">The process's arguments.</param>
    /// <param name="terminal">Where to write.</param>
    /// <param name="time">The clock.</param>
    /// <returns>The process's exit code.</returns>
    public static async Task<int> RunAsync(string[] arguments, Terminal terminal, TimeProvider time)
    {
        RootCommand root = CreateRoot(terminal, time);
        ParseResult parsed = root.Parse(arguments);
        var configuration = new InvocationConfiguration
        {
            Output = terminal.OutputText,
            Error = terminal.Error.Profile.Out.Writer,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = Timeout.InfiniteTimeSpan,
        };
        if (parsed.Errors.Count > 0)
        {
            await parsed.InvokeAsync(configuration);
            return ExitCode.Usage;
        }

        try
        {
            return await parsed.InvokeAsync(configuration);
        }
        catch (InputException error)
        {
            return Fail(terminal, error.Message, ExitCode.Input);
        }
        catch (OperationCanceledException)
        {
            return Fail(terminal, "Interrupted.", ExitCode.Interrupted);
        }
        catch (PiqueException error)
        {
            return Fail(terminal, error.Message, ExitCode.Failed);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Fail(terminal, $"{error.Message} Check that the path exists, that it may be read or written, and that the disk has room.", ExitCode.Input);
        }
    }

    private static RootCommand CreateRoot(Terminal terminal, TimeProvider time)
    {
        var root = new RootCommand("Quantization-aware training of language models: a model in, a trained 2- to 8-bit model out.");
        foreach (Option option in GlobalOptions.All)
        {
            root.Options.Add(option);
        }

        CommandContext Context(ParseResult parsed) => new(
            terminal,
            time,
            parsed.GetValue(GlobalOptions.Json),
            parsed.GetValue(GlobalOptions.Quiet),
            parsed.GetValue(GlobalOptions.Seed),
            parsed.GetValue(GlobalOptions.Threads));

        root.Subcommands.Add(ConfigCommand.Create(Context));
        return root;
    }

    private static int Fail(Terminal terminal, string message, int exitCode)
    {
        terminal.Error.Profile.Out.Writer.WriteLine($"error: {message}");
        return exitCode;
    }
}
