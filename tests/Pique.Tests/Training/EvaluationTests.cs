using System.Text.Json;
using Pique.Models.Llama;
using Pique.Quantization;
using Pique.Training;

namespace Pique.Tests.Training;

/// <summary>Held-out loss while training: when it is measured, what it decides, and that a resumed run decides the same.</summary>
public sealed class EvaluationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<TrainingEvent> _events = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_loss_is_measured_every_so_many_steps_and_after_the_last_at_full_strength_and_logged()
    {
        using LlamaModel teacher = TinyRun.Model(2), student = TrainerTests.Student();
        List<float> strengths = [];
        using Trainer trainer = new(student, new TinyBatches(), Options() with { WarmupEpochs = 1 }, teacher, heldOutLoss: _ =>
        {
            strengths.AddRange(student.QuantizableLayers.Select(entry => entry.Layer.WeightQuantizer!.Strength));
            return 3.5;
        });
        TrainingResult result = Run(trainer);

        Assert.Equal([3, 6, 9, 10], _events.OfType<TrainingEvent.Evaluated>().Select(evaluated => evaluated.Step));
        Assert.All(strengths, strength => Assert.Equal(1, strength));
        Assert.Equal([null, null, 3.5, null, null, 3.5, null, null, 3.5, 3.5], HeldOutColumn(_folder.Path));
        Assert.Equal((3.5, 10, false), (result.BestHeldOutLoss!.Value, result.FinalStep, result.StoppedEarly));
    }

    [Fact]
    public void Measuring_changes_nothing_of_the_training()
    {
        using LlamaModel teacher = TinyRun.Model(2), measured = TrainerTests.Student(), plain = TrainerTests.Student();
        using Trainer trainer = new(measured, new TinyBatches(), Options(), teacher, heldOutLoss: _ => LossOf(measured));
        Run(trainer);
        TrainerTests.Losses(plain, TrainerTests.QatOptions(null), teacher);
        TinyRun.AssertSameBytes(plain, measured);
    }

    [Fact]
    public void The_best_weights_end_the_run_and_their_checkpoint_stays_beside_the_last_ones()
    {
        double[] losses = [3, 1, 2, 2.5];
        using LlamaModel teacher = TinyRun.Model(2), student = TrainerTests.Student(), best = TrainerTests.Student();
        int measured = 0;
        using Trainer trainer = new(student, new TinyBatches(), Options(keepBest: true), teacher, heldOutLoss: _ => losses[measured++]);
        TrainingResult result = Run(trainer);

        Assert.Equal((10, 6, 1.0), (result.Steps, result.FinalStep, result.BestHeldOutLoss!.Value));
        Assert.Equal(new TrainingEvent.BestRestored(6, 1), _events.OfType<TrainingEvent.BestRestored>().Single());
        Assert.Equal(["step-000006", "step-000009", "step-000010"], Checkpoints());
        TensorFile.Restore(Path.Combine(_folder.Path, Trainer.CheckpointsName, "step-000006", "model.safetensors"), TrainedParameters.Of(best).Saved);
        TinyRun.AssertSameBytes(best, student);
        Assert.Equal(Scales(best), Scales(student));
    }

    [Fact]
    public void The_run_ends_after_so_many_measurements_without_a_lower_loss()
    {
        double[] losses = [3, 2, 2, double.NaN];
        using LlamaModel teacher = TinyRun.Model(2), student = TrainerTests.Student();
        int measured = 0;
        TrainerOptions options = Options(keepBest: true) with { Epochs = 4 };
        options = options with { Training = options.Training with { EarlyStopEvaluations = 2 } };
        using Trainer trainer = new(student, new TinyBatches(), options, teacher, heldOutLoss: _ => losses[measured++]);
        TrainingResult result = Run(trainer);

        Assert.Equal((12, 20, 6, true, false), (result.Steps, result.TotalSteps, result.FinalStep, result.StoppedEarly, result.Interrupted));
        Assert.Equal(new TrainingEvent.StoppedEarly(12, 2), _events.OfType<TrainingEvent.StoppedEarly>().Single());
        Assert.Equal(["step-000006", "step-000009", "step-000012"], Checkpoints());

        // What is over stays over.
        using LlamaModel again = TrainerTests.Student();
        using Trainer resumed = new(again, new TinyBatches(), options with { Resume = true }, teacher, heldOutLoss: _ => throw new InvalidOperationException("nothing is left to measure"));
        Assert.Equal(result with { LastLoss = null }, Run(resumed));
        TinyRun.AssertSameBytes(student, again);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(9)]
    [InlineData(10)]
    public void A_run_interrupted_anywhere_keeps_the_same_best_and_ends_in_the_same_bytes(int interruptedAt)
    {
        using TemporaryFolder whole = new();
        using LlamaModel teacher = TinyRun.Model(2), expected = TrainerTests.Student();
        using (Trainer trainer = new(expected, new TinyBatches(), Options(keepBest: true) with { RunFolder = whole.Path }, teacher, heldOutLoss: _ => WavyLossOf(expected)))
            Run(trainer);
        int expectedBest = _events.OfType<TrainingEvent.BestRestored>().Single().Step;

        using (LlamaModel first = TrainerTests.Student())
        using (Trainer trainer = new(first, new TinyBatches(), Options(keepBest: true), teacher, heldOutLoss: _ => WavyLossOf(first)))
            Assert.True(Run(trainer, interruptedAt).Interrupted);
        using LlamaModel actual = TrainerTests.Student();
        using (Trainer trainer = new(actual, new TinyBatches(), Options(keepBest: true) with { Resume = true }, teacher, heldOutLoss: _ => WavyLossOf(actual)))
            Assert.Equal(expectedBest, Run(trainer).FinalStep);

        TinyRun.AssertSameBytes(expected, actual);
        Assert.Equal(HeldOutColumn(whole.Path), HeldOutColumn(_folder.Path));
    }

    [Fact]
    public void A_measurement_that_is_cancelled_is_made_again_on_resume()
    {
        using LlamaModel teacher = TinyRun.Model(2), student = TrainerTests.Student(), actual = TrainerTests.Student();
        using CancellationTokenSource interrupt = new();
        using (Trainer trainer = new(student, new TinyBatches(), Options(), teacher, heldOutLoss: token =>
        {
            interrupt.Cancel();
            token.ThrowIfCancellationRequested();
            return 0;
        }))
        {
            TrainingResult result = trainer.Run(interrupt.Token);
            Assert.Equal((3, true), (result.Steps, result.Interrupted));
        }

        Assert.Equal([null, null, null], HeldOutColumn(_folder.Path));
        using Trainer resumed = new(actual, new TinyBatches(), Options() with { Resume = true }, teacher, heldOutLoss: _ => 2);
        Run(resumed);
        Assert.Equal([3, 6, 9, 10], _events.OfType<TrainingEvent.Evaluated>().Select(evaluated => evaluated.Step));
        Assert.Equal([null, null, 2, null, null, 2, null, null, 2, 2], HeldOutColumn(_folder.Path));
    }

    [Fact]
    public void With_the_best_checkpoint_damaged_the_run_goes_on_from_the_newest_and_says_what_is_lost()
    {
        double[] losses = [1, 2];
        int measured = 0;
        using LlamaModel teacher = TinyRun.Model(2), student = TrainerTests.Student(), actual = TrainerTests.Student();
        using (Trainer trainer = new(student, new TinyBatches(), Options(keepBest: true), teacher, heldOutLoss: _ => losses[measured++]))
            Run(trainer, interruptAt: 8);
        string best = Path.Combine(_folder.Path, Trainer.CheckpointsName, "step-000003");
        File.Delete(Path.Combine(best, "model.safetensors"));

        using Trainer resumed = new(actual, new TinyBatches(), Options(keepBest: true) with { Resume = true }, teacher, heldOutLoss: _ => 3);
        TrainingResult result = Run(resumed);

        Assert.Equal(
            ["it requires step-000003, of which model.safetensors is missing", "it requires step-000003, of which model.safetensors is missing", "model.safetensors is missing"],
            _events.OfType<TrainingEvent.CheckpointRejected>().Select(rejected => rejected.Reason));
        Assert.Equal(8, _events.OfType<TrainingEvent.Resumed>().Single().Step);
        Assert.Equal(new TrainingEvent.BestLost(3), _events.OfType<TrainingEvent.BestLost>().Single());
        Assert.Equal((9, 3.0), (result.FinalStep, result.BestHeldOutLoss!.Value));
    }

    [Fact]
    public void What_cannot_be_done_is_refused_at_once()
    {
        using LlamaModel model = TinyRun.Model();
        Assert.Equal(
            "evaluate_every_steps is set and there is nothing to evaluate with. (Parameter 'heldOutLoss')",
            Assert.Throws<ArgumentException>(() => new Trainer(model, new TinyBatches(), Options())).Message);
        Assert.Equal(
            "keep_best needs a run folder, whose checkpoints hold the best weights. (Parameter 'options')",
            Assert.Throws<ArgumentException>(() => new Trainer(model, new TinyBatches(), Options(keepBest: true) with { RunFolder = null }, heldOutLoss: _ => 0)).Message);
    }

    /// <summary>Measured every third step, with a checkpoint every third step.</summary>
    private TrainerOptions Options(bool keepBest = false)
    {
        TrainerOptions options = TrainerTests.QatOptions(_folder.Path);
        return options with { Training = options.Training with { EvaluateEverySteps = 3, KeepBest = keepBest } };
    }

    private TrainingResult Run(Trainer trainer, int? interruptAt = null)
    {
        _events.Clear();
        using CancellationTokenSource interrupt = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        trainer.Reported += happening =>
        {
            _events.Add(happening);
            if (happening is TrainingEvent.StepCompleted step && step.Metrics.Step == interruptAt)
                interrupt.Cancel();
        };
        return trainer.Run(interrupt.Token);
    }

    private string[] Checkpoints() =>
        [.. Directory.EnumerateFileSystemEntries(Path.Combine(_folder.Path, Trainer.CheckpointsName)).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    private static float[] Scales(LlamaModel model) =>
        [.. model.QuantizableLayers.SelectMany(entry => entry.Layer.WeightQuantizer!.LearnedParameter!.data<float>().ToArray())];

    /// <summary>Task loss on a batch of its own.</summary>
    private static double LossOf(LlamaModel model)
    {
        using TorchSharp.DisposeScope scope = TorchSharp.torch.NewDisposeScope();
        using IDisposable noGradients = TorchSharp.torch.no_grad();
        using IDisposable held = ModelQuantizer.HoldWeights(model.QuantizableLayers);
        return Pique.Objectives.CompositeObjective.TaskOnly.Compute(model, null, TinyBatches.GetBatch(77, 0)).Task;
    }

    /// <summary>A function of the weights alone whose lowest value is not at the end.</summary>
    private static double WavyLossOf(LlamaModel model) => Math.Sin(200 * LossOf(model));

    private static double?[] HeldOutColumn(string folder) =>
    [
        .. File.ReadLines(Path.Combine(folder, MetricsWriter.FileName))
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("held_out_loss"))
            .Select(loss => loss.ValueKind == JsonValueKind.Null ? (double?)null : loss.GetDouble()),
    ];
}
