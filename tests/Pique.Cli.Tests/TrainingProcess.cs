using System.Diagnostics;

namespace Pique.Cli.Tests;

/// <summary>A real "pique train" of a recipe in a process of its own, on one thread.</summary>
internal sealed class TrainingProcess : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly Process _process;
    private readonly Task<string> _output;
    private readonly Task<string> _error;
    private readonly string _metrics;

    /// <summary>Starts the process.</summary>
    /// <param name="recipe">Path of the recipe.</param>
    /// <param name="runFolder">Folder of the run.</param>
    /// <param name="options">Further options.</param>
    public TrainingProcess(string recipe, string runFolder, params IEnumerable<string> options)
    {
        string[] arguments = [Path.Combine(AppContext.BaseDirectory, "Pique.Cli.dll"), "train", recipe, "--out", runFolder, "--threads", "1", .. options];
        _metrics = Path.Combine(runFolder, "metrics.jsonl");
        _process = Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _output = _process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        _error = _process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Whole lines of metrics.jsonl in a run folder.</summary>
    public static int StepsLogged(string runFolder) => LinesIn(Path.Combine(runFolder, "metrics.jsonl"));

    /// <summary>Waits until the run has logged so many steps, or ended.</summary>
    public void WaitForSteps(int steps)
    {
        var waited = Stopwatch.StartNew();
        while (LinesIn(_metrics) < steps && !_process.HasExited)
        {
            Assert.True(waited.Elapsed < Patience, $"no step {steps} within {Patience}");
            Thread.Sleep(1);
        }
    }

    /// <summary>Kills the process without warning.</summary>
    /// <returns>False where it had ended by itself.</returns>
    public bool Kill()
    {
        _process.Kill();
        Assert.True(_process.WaitForExit(Patience));
        return _process.ExitCode != 0;
    }

    /// <summary>Sends a signal as the shell does.</summary>
    /// <param name="signal">Its name, such as "TERM".</param>
    public void Signal(string signal)
    {
        using Process kill = Process.Start("kill", ["-s", signal, $"{_process.Id}"]);
        kill.WaitForExit();
    }

    /// <summary>Waits for the end.</summary>
    public (int ExitCode, string Output, string Error) Finish()
    {
        Assert.True(_process.WaitForExit(Patience), "the process does not end");
        return (_process.ExitCode, _output.Result, _error.Result);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private static int LinesIn(string metrics)
    {
        if (!File.Exists(metrics))
            return 0;
        using var reader = new StreamReader(new FileStream(metrics, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        return reader.ReadToEnd().Count(character => character == '\n');
    }
}
