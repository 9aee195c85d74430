using System.Globalization;
using System.Text.RegularExpressions;
using Pique.Training;

namespace Pique.Cli.Tests;

/// <summary>Signals to a real training process, and a second one on its folder.</summary>
public sealed partial class InterruptionTests : IDisposable
{
    /// <summary>More steps than any machine makes while a test looks, and no checkpoint but the one that an interrupt asks for.</summary>
    private const string Recipe = """
        {"qat": {"bits": 3, "ste_variant": "LearnedStepSize", "epochs": 100000, "warmup_epochs": 1}, "model": "model",
         "data": {"files": [{"path": "data.txt"}], "held_out_share": 0.2, "context_tokens": 64},
         "training": {"batch_tokens": 64, "checkpoint_steps": 1000000}}
        """;

    private readonly TemporaryFolder _folder = new();
    private readonly string _recipe;
    private readonly string _run;

    public InterruptionTests()
    {
        TinyModel.Save(_folder.Of("model"));
        _folder.Write("data.txt", TinyModel.Texts);
        _recipe = _folder.Write("recipe.json", Recipe);
        _run = _folder.Of("run");
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public void A_signal_ends_the_run_in_a_checkpoint_of_its_last_step(string signal)
    {
        using var process = new TrainingProcess(_recipe, _run);
        process.WaitForSteps(3);
        process.Signal(signal);
        (int exitCode, string output, string error) = process.Finish();

        Assert.True(exitCode == 130, error);
        Assert.Equal("", output);
        Match end = EndLine().Match(error);
        Assert.True(end.Success, error);
        Assert.Contains("\nInterrupted: finishing the step and saving a checkpoint. Interrupt again to stop at once.\n", error, StringComparison.Ordinal);
        int steps = int.Parse(end.Groups["step"].Value, CultureInfo.InvariantCulture);
        Assert.Equal(steps, TrainingProcess.StepsLogged(_run));
        string checkpoint = Assert.Single(Directory.EnumerateFileSystemEntries(Path.Combine(_run, Trainer.CheckpointsName)));
        Assert.Equal($"step-{steps:D6}", Path.GetFileName(checkpoint));
        Assert.Null(CheckpointStore.Fault(checkpoint));
    }

    [Fact]
    public void A_second_run_on_the_folder_refuses_until_the_first_is_gone_however_it_goes()
    {
        using var first = new TrainingProcess(_recipe, _run, "--quiet");
        first.WaitForSteps(2);

        (int exitCode, string output, string error) = FakeTerminal.Run("train", _recipe, "--out", _run, "--resume", "--quiet", "--threads", "1");
        Assert.Equal(
            (2, "", $"error: {_run}: another run is using this folder. Wait until it ends or stop it, or choose another folder with --out.\n"), (exitCode, output, error));
        Assert.True(first.Kill());

        using var second = new TrainingProcess(_recipe, _run, "--quiet", "--resume");
        second.WaitForSteps(TrainingProcess.StepsLogged(_run) + 1);
        second.Signal("INT");
        Assert.Equal(130, second.Finish().ExitCode);
    }

    [GeneratedRegex(@"interrupted after step (?<step>\d+) of \d+\. Continue with: pique train \S+ --out \S+ --threads 1 --resume\n$")]
    private static partial Regex EndLine();
}
