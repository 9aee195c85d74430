using System.Diagnostics;
using System.Globalization;

namespace Pique.Benchmarks;

/// <summary>Starts this program again, for what needs a process of its own.</summary>
internal static class OwnProcess
{
    /// <summary>Starts it with its output, and if wanted its input, redirected.</summary>
    /// <param name="threads">Threads to compute with; null for one a processor.</param>
    /// <param name="takesInput">Whether its input is written to.</param>
    /// <param name="arguments">Its command and arguments.</param>
    public static Process Start(int? threads, bool takesInput, params IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardInput = takesInput, RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(OwnProcess).Assembly.Location);
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        if (threads is { } count)
        {
            start.ArgumentList.Add("--threads");
            start.ArgumentList.Add(count.ToString(CultureInfo.InvariantCulture));
        }

        return Process.Start(start)!;
    }

    /// <summary>Runs it to its end.</summary>
    /// <param name="threads">Threads to compute with; null for one a processor.</param>
    /// <param name="arguments">Its command and arguments.</param>
    /// <returns>What it printed.</returns>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public static string Run(int? threads, params IReadOnlyList<string> arguments)
    {
        using Process process = Start(threads, takesInput: false, arguments);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{string.Join(' ', arguments)}: ended with {process.ExitCode}.");
    }
}
