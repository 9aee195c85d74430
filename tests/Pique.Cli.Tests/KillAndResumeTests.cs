using System.Diagnostics;

namespace Pique.Cli.Tests;

/// <summary>Kills a real training process without warning and lets it resume.</summary>
public sealed class KillAndResumeTests : IDisposable
{
    private const int Kills = 3;
    private const int Seed = 20261;

    /// <summary>Recipe with a checkpoint every second step, so that kills fall into steps, between them and into the writing of checkpoints.</summary>
    private const string Recipe = """
        {"qat": {"bits": 3, "ste_variant": "LearnedStepSize", "pi_k": 4, "epochs": 4, "warmup_epochs": 1}, "model": "model",
         "data": {"files": [{"path": "data.txt"}], "held_out_share": 0.2, "context_tokens": 64},
         "training": {"batch_tokens": 64, "checkpoint_steps": 2}}
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly TemporaryFolder _folder = new();

    public KillAndResumeTests()
    {
        TinyModel.Save(_folder.Of("model"));
        _folder.Write("data.txt", TinyModel.Texts);
        _folder.Write("recipe.json", Recipe);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_run_killed_three_times_ends_with_the_bytes_of_one_that_ran_through()
    {
        using (Process whole = Train("whole"))
        {
            Finish(whole);
        }

        int steps = StepsLogged("whole");
        var random = new Random(Seed);
        int[] killAfter = [.. Enumerable.Range(0, Kills).Select(kill => (kill * steps / Kills) + random.Next(1, steps / Kills)).Order()];
        foreach (int step in killAfter)
        {
            using Process killed = Train("killed", resume: File.Exists(Path.Combine(_folder.Of("killed"), "recipe.json")));
            KillAfter(killed, step, TimeSpan.FromMilliseconds(random.Next(30)));
        }

        using (Process last = Train("killed", resume: true))
        {
            Finish(last);
        }

        Assert.Equal(steps, StepsLogged("killed"));
        foreach (string file in Directory.EnumerateFiles(_folder.Of(Path.Combine("whole", "model"))))
        {
            byte[] expected = File.ReadAllBytes(file);
            byte[] found = File.ReadAllBytes(Path.Combine(_folder.Of("killed"), "model", Path.GetFileName(file)));
            Assert.True(expected.AsSpan().SequenceEqual(found), $"{Path.GetFileName(file)} differs; killed after steps {string.Join(", ", killAfter)}, seed {Seed}");
        }
    }

    private Process Train(string run, bool resume = false)
    {
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "Pique.Cli.dll"), "train", _folder.Of("recipe.json"), "--out", _folder.Of(run), "--threads", "1", "--quiet",
            .. resume ? new[] { "--resume" } : [],
        ];
        return Process.Start(new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
    }

    private static void Finish(Process process)
    {
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(Patience));
        Assert.True(process.ExitCode == 0, error.Result);
    }

    private void KillAfter(Process process, int step, TimeSpan delay)
    {
        var waited = Stopwatch.StartNew();
        while (StepsLogged("killed") < step && !process.HasExited && waited.Elapsed < Patience)
        {
            Thread.Sleep(1);
        }

        Thread.Sleep(delay);
        Assert.False(process.HasExited, "the run ended before it could be killed");
        process.Kill();
        Assert.True(process.WaitForExit(Patience));
        Assert.NotEqual(0, process.ExitCode);
    }

    private int StepsLogged(string run)
    {
        string metrics = Path.Combine(_folder.Of(run), "metrics.jsonl");
        if (!File.Exists(metrics))
        {
            return 0;
        }

        using var reader = new StreamReader(new FileStream(metrics, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().Count(character => character == '\n');
    }
}
