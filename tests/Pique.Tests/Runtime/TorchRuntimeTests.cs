using System.Diagnostics;
using static TorchSharp.torch;

namespace Pique.Tests.Runtime;

public sealed class TorchRuntimeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pique-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Tensors_compute()
    {
        using Tensor sum = ones(3).sum();
        Assert.Equal(3f, sum.item<float>());
    }

    [Fact]
    public void Report_says_what_was_done()
    {
        RuntimeReport report = TorchRuntime.Report;
        Assert.Equal(get_num_threads(), report.Threads);
        Assert.Equal(__version__, report.TorchVersion);
        Assert.Equal(CpuCapability.Current.IsAmd, report.FastMath);
        Assert.True(report.TunedAllocator);
        Assert.Empty(report.Warnings);
    }

    [Fact]
    public void A_second_call_changes_nothing()
    {
        RuntimeReport before = TorchRuntime.Report;
        TorchRuntime.Initialize();
        TorchRuntime.Initialize(new RuntimeOptions { Threads = before.Threads, FastMathOnAmd = false, CacheDirectory = "/nowhere" });
        Assert.Same(before, TorchRuntime.Report);
    }

    [Fact]
    public void No_threads_are_refused()
    {
        var error = Assert.Throws<InputException>(() => TorchRuntime.Initialize(new RuntimeOptions { Threads = 0 }));
        Assert.Equal("RuntimeOptions.Threads: 0 is no number of threads; give 1 or more, or none for one per processor.", error.Message);
    }

    // In a process of its own, since a library once loaded stays.
    [Fact]
    public async Task A_cache_that_cannot_be_written_gives_way_to_the_temporary_folder()
    {
        (int exitCode, string output) = await RunTensorsCompute(cacheHome: "/proc", temporary: _folder);
        Assert.True(exitCode == 0, output);
        int expected = (TorchRuntime.Report.PatchedNative ? 1 : 0) + (TorchRuntime.Report.FastMath ? 1 : 0);
        Assert.Equal(expected, Directory.GetFiles(_folder, "*.so", SearchOption.AllDirectories).Length);
    }

    [Fact]
    public async Task Where_nothing_can_be_written_the_error_says_so()
    {
        Assert.SkipUnless(TorchRuntime.Report.PatchedNative, "The C++ runtime of this system needs no patched copy.");
        (int exitCode, string output) = await RunTensorsCompute(cacheHome: "/proc", temporary: "/proc");
        Assert.NotEqual(0, exitCode);
        Assert.Contains("could be written and loaded nowhere (/proc/pique: ", output, StringComparison.Ordinal);
    }

    private static async Task<(int ExitCode, string Output)> RunTensorsCompute(string cacheHome, string temporary)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (Path.GetFileName(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(TorchRuntimeTests).Assembly.Location);
        foreach (string argument in (string[])["-method", $"{typeof(TorchRuntimeTests).FullName}.{nameof(Tensors_compute)}"])
            start.ArgumentList.Add(argument);
        start.Environment["XDG_CACHE_HOME"] = cacheHome;
        start.Environment["TMPDIR"] = temporary;
        start.Environment["DOTNET_EnableDiagnostics"] = "0"; // its sockets lie in the temporary folder
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, output + await errors);
    }
}
