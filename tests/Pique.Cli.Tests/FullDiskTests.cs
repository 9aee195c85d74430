using System.Diagnostics;

namespace Pique.Cli.Tests;

/// <summary>Fills a real file system, a small one in memory. Mounting it takes root; the same by a stream that fails is in Pique.Tests.</summary>
public sealed class FullDiskTests : IDisposable
{
    private const string Recipe = """
        {"qat": {"bits": 3, "ste_variant": "LearnedStepSize", "epochs": 2, "warmup_epochs": 1}, "model": "model",
         "data": {"files": [{"path": "data.txt"}], "held_out_share": 0.2, "context_tokens": 64},
         "training": {"batch_tokens": 64, "checkpoint_steps": 3, "keep_checkpoints": 3, "compute_type": "float32"}}
        """;

    private readonly TemporaryFolder _folder = new();
    private bool _isMounted;

    public void Dispose()
    {
        if (_isMounted)
            Mount("umount", _folder.Of("small"));
        _folder.Dispose();
    }

    [Fact]
    public void A_run_that_fills_the_disk_goes_on_once_there_is_room_and_ends_in_the_same_bytes()
    {
        TinyModel.Save(_folder.Of("model"));
        _folder.Write("data.txt", TinyModel.Texts);
        string recipe = _folder.Write("recipe.json", Recipe), whole = _folder.Of("whole"), small = _folder.Of("small");
        Assert.Equal(0, FakeTerminal.Run("train", recipe, "--out", whole, "--quiet", "--threads", "1").ExitCode);
        long checkpointBytes = Directory.EnumerateFiles(Directory.EnumerateDirectories(Path.Combine(whole, "checkpoints")).First()).Sum(file => new FileInfo(file).Length);

        // Room for the first checkpoint and not for the second.
        Directory.CreateDirectory(small);
        _isMounted = Mount("mount", "-t", "tmpfs", "-o", $"size={checkpointBytes * 3 / 2}", "tmpfs", small);
        Assert.SkipUnless(_isMounted, "mounting a file system takes root");
        string run = Path.Combine(small, "run");
        (int exitCode, _, string error) = FakeTerminal.Run("train", recipe, "--out", run, "--quiet", "--threads", "1");

        Assert.Equal(3, exitCode);
        Assert.StartsWith($"error: {Path.Combine(run, "checkpoints", "step-000006")}: the checkpoint cannot be written (No space left on device : ", error, StringComparison.Ordinal);
        Assert.EndsWith("); earlier ones are as they were. Make room on the disk or mend its permissions, then continue with --resume.\n", error, StringComparison.Ordinal);
        Assert.Equal(["step-000003"], Directory.EnumerateFileSystemEntries(Path.Combine(run, "checkpoints")).Select(entry => Path.GetFileName(entry)));

        Assert.True(Mount("mount", "-o", "remount,size=64m", small));
        Assert.Equal(0, FakeTerminal.Run("train", recipe, "--out", run, "--quiet", "--resume", "--threads", "1").ExitCode);
        foreach (string file in Directory.EnumerateFiles(Path.Combine(whole, "model")))
            Assert.Equal(File.ReadAllBytes(file), File.ReadAllBytes(Path.Combine(run, "model", Path.GetFileName(file))));
    }

    private static bool Mount(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false; // No such program.
        }
    }
}
