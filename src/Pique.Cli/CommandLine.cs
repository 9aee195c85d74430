using System.CommandLine;
using System.CommandLine.Parsing;
using Pique.Cli.Commands;
using Pique.Cli.Rendering;

namespace Pique.Cli;

/// <summary>Parses the arguments, runs one command and turns errors into messages and exit codes.</summary>
internal static class CommandLine
{
    /// <summary>Runs the command that the arguments name, on the calling thread from beginning to end.</summary>
    /// <param name="arguments">The process's arguments.</param>
    /// <param name="terminal">Where to write.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Cancelled by the first interrupt.</param>
    /// <returns>The process's exit code.</returns>
    public static int Run(IReadOnlyList<string> arguments, Terminal terminal, TimeProvider time, CancellationToken cancellation = default)
    {
        RootCommand root = CreateRoot(arguments, terminal, time, cancellation);
        ParseResult parsed = root.Parse(arguments, new ParserConfiguration
        {
            EnablePosixBundling = false,
            ResponseFileTokenReplacer = null, // A prompt may begin with @.
        });
        if (parsed.Errors.Count > 0)
        {
            return FailUsage(terminal, parsed);
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration
            {
                Output = terminal.OutputText,
                Error = terminal.Error.Profile.Out.Writer,
                EnableDefaultExceptionHandler = false,
            });
        }
        catch (InputException error)
        {
            return Fail(terminal, error.Message, ExitCode.Input);
        }
        catch (OperationCanceledException)
        {
            terminal.WriteErrorLine("interrupted: nothing was written.");
            return ExitCode.Interrupted;
        }
        catch (PiqueException error)
        {
            return Fail(terminal, error.Message, ExitCode.Failed);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return Fail(terminal, $"{error.Message} Check that the path exists, that it may be read or written, and that the disk has room.", ExitCode.Input);
        }
        catch (Exception error)
        {
            // The last resort: a fault of this program, told in one line.
            return Fail(terminal, $"internal error: {error.GetType().Name}: {error.Message.Split('\n')[0].Trim()} Please report this with the command that led to it.", ExitCode.Failed);
        }
    }

    private static RootCommand CreateRoot(IReadOnlyList<string> arguments, Terminal terminal, TimeProvider time, CancellationToken cancellation)
    {
        var root = new RootCommand("Quantization-aware training of language models: a model in, a trained 2- to 8-bit model out.");
        var options = new GlobalOptions();
        foreach (Option option in options.All)
        {
            root.Options.Add(option);
        }

        CommandContext Context(ParseResult parsed) => new(
            terminal,
            time,
            parsed.GetValue(options.Json),
            parsed.GetValue(options.Quiet),
            parsed.GetValue(options.Seed),
            parsed.GetValue(options.Threads),
            arguments,
            cancellation)
        {
            FastMath = !parsed.GetValue(options.NoFastMath),
        };

        root.Subcommands.Add(DemoCommand.Create(Context));
        root.Subcommands.Add(TrainCommand.Create(Context));
        root.Subcommands.Add(CalibrateCommand.Create(Context));
        root.Subcommands.Add(QuantizeCommand.Create(Context));
        root.Subcommands.Add(EvaluateCommand.Create(Context));
        root.Subcommands.Add(GenerateCommand.Create(Context));
        root.Subcommands.Add(ExportCommand.Create(Context));
        root.Subcommands.Add(InspectCommand.Create(Context));
        root.Subcommands.Add(VerifyCommand.Create(Context));
        root.Subcommands.Add(ConfigCommand.Create(Context));
        root.Subcommands.Add(PretrainCommand.Create(Context));
        return root;
    }

    private static int Fail(Terminal terminal, string message, int exitCode)
    {
        terminal.WriteErrorLine($"error: {message}");
        return exitCode;
    }

    /// <summary>Names every fault of the command line and where to read how it is meant.</summary>
    private static int FailUsage(Terminal terminal, ParseResult parsed)
    {
        string command = string.Join(' ', CommandNames(parsed.CommandResult));
        string faults = string.Join("\n  ", parsed.Errors.Select(error => error.Message).Distinct());
        return Fail(terminal, $"{faults}\nRun '{command} --help' for usage.", ExitCode.Usage);
    }

    private static Stack<string> CommandNames(CommandResult innermost)
    {
        var names = new Stack<string>();
        for (SymbolResult? result = innermost; result is not null; result = result.Parent)
        {
            if (result is CommandResult command)
            {
                names.Push(command.Command is RootCommand ? "pique" : command.Command.Name);
            }
        }

        return names;
    }
}
