using Pique.Training;

namespace Pique.Cli.Tests;

/// <summary>Kills a real training process without warning, again and again, and lets it resume.</summary>
public sealed class KillAndResumeTests : IDisposable
{
    private const int Kills = 20;
    private const int Seed = 20261;

    /// <summary>Every so manieth kill comes at a time after the start, most likely while the run is still loading; the others come after a number of steps.</summary>
    private const int EarlyEvery = 4;
    private const int EarlyMilliseconds = 1200;
    private const int MaxStepsBeforeKill = 6;
    private const int MaxDelayMilliseconds = 25;

    /// <summary>Recipe with a checkpoint every step, so that kills fall into steps and into the writing of checkpoints alike.</summary>
    private const string Recipe = """
        {"qat": {"bits": 3, "ste_variant": "LearnedStepSize", "pi_k": 4, "epochs": 30, "warmup_epochs": 1}, "model": "model",
         "data": {"files": [{"path": "data.txt"}], "held_out_share": 0.2, "context_tokens": 64},
         "training": {"batch_tokens": 64, "checkpoint_steps": 1, "compute_type": "float32"}}
        """;

    private readonly TemporaryFolder _folder = new();
    private readonly string _recipe;

    public KillAndResumeTests()
    {
        TinyModel.Save(_folder.Of("model"));
        _folder.Write("data.txt", TinyModel.Texts);
        _recipe = _folder.Write("recipe.json", Recipe);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_run_killed_twenty_times_ends_with_the_bytes_of_one_that_ran_through()
    {
        string whole = _folder.Of("whole"), killed = _folder.Of("killed");
        Finish(whole);
        int steps = TrainingProcess.StepsLogged(whole);

        var random = new Random(Seed);
        List<int> killedAfter = [];
        for (int kill = 0; kill < Kills; kill++)
        {
            KillOnce(killed, random, isEarly: kill % EarlyEvery == 0);
            killedAfter.Add(TrainingProcess.StepsLogged(killed));
        }

        Finish(killed);
        Assert.Equal(steps, TrainingProcess.StepsLogged(killed));
        Assert.True(killedAfter[^1] > Kills, $"the kills came after steps {string.Join(", ", killedAfter)}");
        foreach (string file in Directory.EnumerateFiles(Path.Combine(whole, "model")))
        {
            byte[] expected = File.ReadAllBytes(file);
            byte[] found = File.ReadAllBytes(Path.Combine(killed, "model", Path.GetFileName(file)));
            Assert.True(expected.AsSpan().SequenceEqual(found), $"{Path.GetFileName(file)} differs; killed after steps {string.Join(", ", killedAfter)}, seed {Seed}");
        }
    }

    private void KillOnce(string run, Random random, bool isEarly)
    {
        int delay = random.Next(isEarly ? EarlyMilliseconds : MaxDelayMilliseconds);
        int moreSteps = random.Next(1, MaxStepsBeforeKill + 1);
        using TrainingProcess process = Start(run);
        if (!isEarly)
        {
            // The checkpoint the run resumes from may be a step behind the log, whose last line it then writes again.
            process.WaitForSteps(TrainingProcess.StepsLogged(run) + moreSteps);
        }

        Thread.Sleep(delay);
        Assert.True(process.Kill(), "the run ended before it could be killed");

        // Whole or absent: at no instant does a checkpoint's name stand for less.
        Assert.All(new CheckpointStore(Path.Combine(run, Trainer.CheckpointsName), keep: 1).Folders, checkpoint => Assert.Null(CheckpointStore.Fault(checkpoint)));
    }

    private TrainingProcess Start(string run) =>
        new(_recipe, run, File.Exists(Path.Combine(run, "recipe.json")) ? ["--quiet", "--resume"] : ["--quiet"]);

    private void Finish(string run)
    {
        using TrainingProcess process = Start(run);
        (int exitCode, _, string error) = process.Finish();
        Assert.True(exitCode == 0, error);
    }
}
