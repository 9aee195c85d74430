using Pique.Cli.Rendering;
using Pique.Pipeline;
using Pique.Training;

namespace Pique.Cli.Tests.Rendering;

public sealed class TrainingProgressTests
{
    [Fact]
    public void Every_event_of_training_that_a_user_should_know_has_its_line() => Assert.Equal(
        """
          40 steps, 20 an epoch; 12,345 weights, 67 quantization parameters
          deleted run/checkpoints/.partial-step-000030, which was left half written
        warning: run/checkpoints/step-000020: state.json has 3 bytes, expected 400; trying an older checkpoint
          resumed after step 10 from run/checkpoints/step-000010
        warning: run/checkpoints/step-000010: the checkpoint was computed with 2 threads.
        warning: the best checkpoint, of step 5, is lost; the best is sought anew from here on
         100 %  step 40 of 40  loss 1.2346  2,048 tokens/s  0:00 left  1.50 GB
        warning: step 40 was skipped. Loss NaN.
          epoch 2 of 2: mean loss 1.2500, peak memory 1.50 GB
          epoch 2 of 2: mean loss 1.2500
          step 40: held-out loss 1.5000, the lowest so far
          step 40: held-out loss 1.7500, the lowest was 3 measurements ago
          stopped after step 40: no lower held-out loss in 3 measurements
          the weights of step 20 are put back, whose held-out loss 1.5000 was the lowest

        """.ReplaceLineEndings("\n"),
        Told(
            new TrainingEvent.Started(40, 20, 12_345, 67, null),
            new TrainingEvent.PartialCheckpointRemoved("run/checkpoints/.partial-step-000030"),
            new TrainingEvent.CheckpointRejected("run/checkpoints/step-000020", "state.json has 3 bytes, expected 400"),
            new TrainingEvent.Resumed(10, "run/checkpoints/step-000010"),
            new TrainingEvent.Warned("run/checkpoints/step-000010: the checkpoint was computed with 2 threads."),
            new TrainingEvent.BestLost(5),
            new TrainingEvent.StepCompleted(Step, 40),
            new TrainingEvent.StepSkipped(Step, 1, "Loss NaN."),
            new TrainingEvent.EpochCompleted(2, 2, 1.25, 1_500_000_000),
            new TrainingEvent.EpochCompleted(2, 2, 1.25, null),
            new TrainingEvent.Evaluated(40, 1.5, true, 0),
            new TrainingEvent.Evaluated(40, 1.75, false, 3),
            new TrainingEvent.StoppedEarly(40, 3),
            new TrainingEvent.BestRestored(20, 1.5),
            new TrainingEvent.CheckpointSaved(40, "run/checkpoints/step-000040")));

    [Fact]
    public void Time_left_goes_by_the_steps_of_the_phase_but_its_first() => Assert.Equal(
        """
          50 steps, 5 an epoch; 1 weights, 1 quantization parameters
          10 %  step 5 of 50  loss 1.2346  2,048 tokens/s  1.50 GB
          20 %  step 10 of 50  loss 1.2346  2,048 tokens/s  1:00 left of this phase  1.50 GB
          50 steps, 5 an epoch; 1 weights, 1 quantization parameters
          40 %  step 20 of 50  loss 1.2346  2,048 tokens/s  1.50 GB
          50 %  step 25 of 50  loss 1.2346  2,048 tokens/s  0:25 left  1.50 GB

        """.ReplaceLineEndings("\n"),
        Told(
            new TrainingEvent.Started(50, 5, 1, 1, null) { LaterSteps = 30 },
            new TrainingEvent.StepCompleted(Step with { Step = 5, StepSeconds = 100 }, 50),
            new TrainingEvent.StepCompleted(Step with { Step = 10, StepSeconds = 6 }, 50),
            new TrainingEvent.Started(50, 5, 1, 1, null),
            new TrainingEvent.StepCompleted(Step with { Step = 20, StepSeconds = 100 }, 50),
            new TrainingEvent.StepCompleted(Step with { Step = 25, StepSeconds = 1 }, 50)));

    [Fact]
    public void Bits_that_calibration_chose_are_a_table_with_the_path_of_their_plot() => Assert.Equal(
        """
          Rise of the loss at each bit width, thousandths of a nat per token: predicted.

          layer   weights   2 bits   3 bits   chosen
        ──────────────────────────────────────────────
          q         1,024     1.50     0.25        2
          v           512    12.00     1.00        3

          drawn in run/calibration.sensitivity.svg

        """.ReplaceLineEndings("\n"),
        Told(progress => progress.Report(new PipelineEvent.SensitivityDrawn(
            [
                new("q", 1024, [new(2, 1.5e-3), new(3, 2.5e-4)]) { ChosenBits = 2 },
                new("v", 512, [new(2, 0.012), new(3, 1e-3)]) { ChosenBits = 3 },
            ],
            "run/calibration.sensitivity.svg"))));

    private static StepMetrics Step => new()
    {
        Step = 40,
        Epoch = 2,
        Loss = 1.23456,
        TaskLoss = 1,
        KdLoss = 0,
        ReasoningLoss = 0,
        GradNorm = 1,
        LearningRate = 1,
        QuantizationStrength = 1,
        TokensPerSecond = 2048,
        StepSeconds = 1,
        PeakMemoryBytes = 1_500_000_000,
    };

    private static string Told(params IEnumerable<TrainingEvent> events) => Told(progress =>
    {
        foreach (TrainingEvent happening in events)
            progress.Report(happening);
    });

    private static string Told(Action<TrainingProgress> report)
    {
        var fake = new FakeTerminal();
        var context = new CommandContext(fake.Terminal, TimeProvider.System, Json: false, Quiet: false, Seed: null, Threads: null, Arguments: [], CancellationToken.None);
        ProgressDisplay.Run(context, display =>
        {
            report(new TrainingProgress(display));
            return 0;
        });
        return fake.Error;
    }
}
