using Pique.Models.Llama;
using Pique.Training;

namespace Pique.Tests.Training;

public sealed class RunLockTests
{
    [Fact]
    public void A_folder_is_one_runs_until_it_lets_go()
    {
        using TemporaryFolder folder = new();
        using (RunLock.Acquire(folder.Path))
        {
            RunFolderInUseException failure = Assert.Throws<RunFolderInUseException>(() => RunLock.Acquire(folder.Path));
            Assert.Equal($"{folder.Path}: another run is using this folder. Wait until it ends or stop it, or choose another folder with --out.", failure.Message);
        }

        RunLock.Acquire(folder.Path).Dispose();
    }

    [Fact]
    public void A_folder_that_is_missing_is_made_and_one_that_cannot_be_is_refused()
    {
        using TemporaryFolder folder = new();
        string file = Path.Combine(folder.Path, "file");
        File.WriteAllText(file, "");
        RunLock.Acquire(Path.Combine(folder.Path, "deep", "run")).Dispose();
        Assert.True(File.Exists(Path.Combine(folder.Path, "deep", "run", ".lock")));

        InputException failure = Assert.Throws<InputException>(() => RunLock.Acquire(Path.Combine(file, "run")));
        Assert.StartsWith($"{Path.Combine(file, "run")}: the output folder cannot be written (", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("). Choose a folder you may write to with --out.", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_trainer_refuses_a_folder_in_which_another_one_trains()
    {
        using TemporaryFolder folder = new();
        using LlamaModel first = TinyRun.Model(), second = TinyRun.Model(), untouched = TinyRun.Model();
        using Trainer trainer = new(first, new TinyBatches(), TinyRun.Options(folder.Path));
        int refusals = 0;
        trainer.Reported += happening =>
        {
            if (happening is TrainingEvent.StepCompleted { Metrics.Step: 2 })
            {
                using Trainer intruder = new(second, new TinyBatches(), TinyRun.Options(folder.Path) with { Resume = true });
                Assert.Throws<RunFolderInUseException>(() => intruder.Run(TestContext.Current.CancellationToken));
                refusals++;
            }
        };
        trainer.Run(TestContext.Current.CancellationToken);
        Assert.Equal(1, refusals);
        TinyRun.AssertSameBytes(untouched, second);
    }

    [Fact]
    public void A_callers_lock_serves_the_trainer_and_stays_with_the_caller()
    {
        using TemporaryFolder folder = new();
        using RunLock held = RunLock.Acquire(folder.Path);
        using LlamaModel model = TinyRun.Model();
        using Trainer trainer = new(model, new TinyBatches(), TinyRun.Options(folder.Path) with { RunLock = held });
        Assert.Equal(10, trainer.Run(TestContext.Current.CancellationToken).Steps);
        Assert.Throws<RunFolderInUseException>(() => RunLock.Acquire(folder.Path));
    }
}
