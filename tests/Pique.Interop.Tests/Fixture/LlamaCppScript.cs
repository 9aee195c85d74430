using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Pique.Interop.Tests.Fixture;

/// <summary>The process of <c>llama.mjs</c>: a line of JSON for a request, a line for its reply, one request at a time.</summary>
internal sealed class LlamaCppScript : IDisposable
{
    private const int ErrorLinesKept = 20;

    private static readonly TimeSpan ExitLimit = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Process _process;
    // Never disposed: the last line, the end of the output, may come after the process went.
    private readonly BlockingCollection<string> _replies = [];
    private readonly ConcurrentQueue<string> _errorLines = [];
    private int _requestCount;
    private bool _disposed;

    /// <summary>Starts the script.</summary>
    /// <param name="folder">Folder of the script, with its packages.</param>
    public LlamaCppScript(string folder)
    {
        _process = Process.Start(new ProcessStartInfo("node", ["llama.mjs"])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _process.OutputDataReceived += (_, line) => Receive(line.Data);
        _process.ErrorDataReceived += (_, line) => Remember(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Whether the process ended.</summary>
    public bool HasExited => _disposed || _process.HasExited;

    /// <summary>Runs a command.</summary>
    /// <param name="command">Name of the command.</param>
    /// <param name="limit">Longest time; the process is ended where it takes more.</param>
    /// <param name="parameters">What the command asks for.</param>
    /// <returns>Its result; null where it has none.</returns>
    /// <exception cref="InvalidOperationException">The command failed, or the process ended.</exception>
    /// <exception cref="TimeoutException">The limit passed.</exception>
    public JsonNode? Request(string command, TimeSpan limit, params (string Name, JsonNode? Value)[] parameters)
    {
        lock (_lock)
        {
            int id = ++_requestCount;
            JsonObject request = new() { ["id"] = id, ["command"] = command };
            foreach ((string name, JsonNode? value) in parameters)
                request.Add(name, value);
            Send(command, request.ToJsonString());
            if (!_replies.TryTake(out string? line, limit))
            {
                if (_replies.IsCompleted)
                    throw Ended(command);
                _process.Kill(entireProcessTree: true);
                throw new TimeoutException($"llama.cpp: \"{command}\" took longer than {limit.TotalSeconds} s.{ErrorText()}");
            }

            JsonObject reply = JsonNode.Parse(line)!.AsObject();
            if ((int?)reply["id"] != id)
                throw new InvalidOperationException($"llama.cpp: \"{command}\" was answered with {line}, expected id {id}.");
            if (reply["error"] is { } error)
                throw new InvalidOperationException($"llama.cpp: \"{command}\" failed: {error}{ErrorText()}");
            return reply["result"];
        }
    }

    /// <summary>Ends the process, in order where it heeds the end of its input.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended before it read all its input.
        }

        if (!_process.WaitForExit(ExitLimit))
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private void Send(string command, string line)
    {
        try
        {
            _process.StandardInput.WriteLine(line);
            _process.StandardInput.Flush();
        }
        catch (IOException)
        {
            throw Ended(command);
        }
    }

    private void Receive(string? line)
    {
        if (line is null)
            _replies.CompleteAdding();
        else
            _replies.Add(line);
    }

    private void Remember(string? line)
    {
        if (!string.IsNullOrWhiteSpace(line))
            _errorLines.Enqueue(line);
        while (_errorLines.Count > ErrorLinesKept)
            _errorLines.TryDequeue(out _);
    }

    private InvalidOperationException Ended(string command)
    {
        _process.WaitForExit(ExitLimit);
        return new($"llama.cpp: the process ended{(_process.HasExited ? $" with code {_process.ExitCode}" : "")} while it ran \"{command}\".{ErrorText()}");
    }

    private string ErrorText() => _errorLines.IsEmpty ? "" : $" It wrote:\n{string.Join('\n', _errorLines)}";
}
