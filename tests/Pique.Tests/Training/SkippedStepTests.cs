using System.Text.Json;
using Pique.Data;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Training;

namespace Pique.Tests.Training;

public sealed class SkippedStepTests
{
    [Fact]
    public void A_step_without_finite_loss_changes_nothing_and_is_counted()
    {
        using TemporaryFolder folder = new();
        using LlamaModel model = TinyRun.Model();
        using Trainer trainer = new(model, new PoisonedBatches([2]), TinyRun.Options(folder.Path, epochs: 1));
        Dictionary<string, byte[]>? before = null;
        int skipped = 0;
        trainer.Reported += happening =>
        {
            if (happening is TrainingEvent.StepCompleted { Metrics.Step: 2 })
            {
                before = TinyRun.Bytes(model);
            }

            if (happening is TrainingEvent.StepSkipped skip)
            {
                skipped++;
                Assert.Equal((3, 1), (skip.Metrics.Step, skip.Consecutive));
                Assert.Equal(
                    "Loss NaN (task NaN, distillation 0, reasoning 0), gradient norm NaN. Not finite: 20 of 20 gradients, that nearest the output of model.norm.weight (other weights).", skip.Diagnosis);
                Assert.All(TinyRun.Bytes(model), item => Assert.Equal(before![item.Key], item.Value));
            }
        };

        TrainingResult result = trainer.Run(TestContext.Current.CancellationToken);

        Assert.Equal(1, skipped);
        Assert.Equal((5, 1), (result.Steps, result.SkippedSteps));
        Assert.True(double.IsFinite(result.LastLoss!.Value));
        JsonElement line = JsonDocument.Parse(File.ReadLines(Path.Combine(folder.Path, MetricsWriter.FileName)).ElementAt(2)).RootElement;
        Assert.Equal(
            ["step", "epoch", "loss", "task_loss", "kd_loss", "reasoning_loss", "grad_norm", "learning_rate", "quantization_strength", "tokens_per_second", "step_seconds", "peak_memory_bytes", "held_out_loss"],
            line.EnumerateObject().Select(property => property.Name));
        Assert.Equal(JsonValueKind.Null, line.GetProperty("loss").ValueKind);
    }

    [Fact]
    public void As_many_in_a_row_as_the_recipe_allows_fail_the_run_and_the_weights_before_them_are_kept()
    {
        using TemporaryFolder folder = new();
        using LlamaModel model = TinyRun.Model();
        TrainerOptions options = TinyRun.Options(folder.Path, epochs: 1);
        options = options with { Training = options.Training with { MaxSkippedSteps = 4, CheckpointSteps = 1 } };
        using Trainer trainer = new(model, new PoisonedBatches([0, 3, 4, 5, 6, 7]), options);
        RunFailedException error = Assert.Throws<RunFailedException>(() => trainer.Run(TestContext.Current.CancellationToken));
        string checkpoints = Path.Combine(folder.Path, Trainer.CheckpointsName);
        Assert.Equal(
            "step 7: loss or gradient was not finite in 4 steps in a row, the limit (training.max_skipped_steps). "
            + "Loss NaN (task NaN, distillation 0, reasoning 0), gradient norm NaN. Not finite: 20 of 20 gradients, that nearest the output of model.norm.weight (other weights). "
            + $"The weights of the last finite step are kept in {Path.Combine(checkpoints, "step-000003")}. "
            + "Start a new run with a lower learning rate or with grad_clip; if it stops at the same step again, look at that step's records.",
            error.Message);
        Assert.Equal(["step-000002", "step-000003"], Directory.EnumerateFileSystemEntries(checkpoints).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_run_that_failed_between_two_checkpoints_keeps_the_last_good_step_all_the_same()
    {
        using TemporaryFolder folder = new();
        using LlamaModel model = TinyRun.Model();
        TrainerOptions options = TinyRun.Options(folder.Path, epochs: 1);
        options = options with { Training = options.Training with { MaxSkippedSteps = 2, CheckpointSteps = 100 } };
        using Trainer trainer = new(model, new PoisonedBatches([2, 3]), options);
        RunFailedException error = Assert.Throws<RunFailedException>(() => trainer.Run(TestContext.Current.CancellationToken));
        string kept = Path.Combine(folder.Path, Trainer.CheckpointsName, "step-000002");
        Assert.Contains($"The weights of the last finite step are kept in {kept}.", error.Message, StringComparison.Ordinal);
        Assert.Null(CheckpointStore.Fault(kept));
    }

    [Fact]
    public void A_gradient_that_is_not_finite_under_a_finite_loss_is_named_with_its_group()
    {
        using LlamaModel model = TinyRun.Model();
        using (TorchSharp.torch.no_grad())
            model.Backbone.Blocks[1].FeedForward.DownProjection.Weight.mul_(HeldScalar.Of(1e25f));
        string? diagnosis = null;
        using Trainer trainer = new(model, new TinyBatches(), TinyRun.Options(null, epochs: 1));
        trainer.Reported += happening => diagnosis ??= (happening as TrainingEvent.StepSkipped)?.Diagnosis;
        trainer.Run(TestContext.Current.CancellationToken);
        Assert.Equal(
            "Loss 3.13549 (task 3.13549, distillation 0, reasoning 0), gradient norm NaN. Not finite: 19 of 20 gradients, that nearest the output of model.layers.1.post_attention_layernorm.weight (other weights).", diagnosis);
    }

    [Fact]
    public void Weights_that_an_optimizer_step_broke_end_the_run_at_once()
    {
        using TemporaryFolder folder = new();
        using LlamaModel model = TinyRun.Model();
        TrainerOptions options = TinyRun.Options(folder.Path, epochs: 4) with { WeightDecay = 1e45 };
        using Trainer trainer = new(model, new TinyBatches(), options);
        RunFailedException error = Assert.Throws<RunFailedException>(() => trainer.Run(TestContext.Current.CancellationToken));
        Assert.Equal(
            "step 1: model.embed_tokens.weight holds a value that is not finite, put there by an optimizer step. Start a new run with a lower learning rate or weight decay.", error.Message);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(folder.Path, Trainer.CheckpointsName)));
    }

    [Fact]
    public void A_step_for_which_there_is_no_memory_ends_the_run_and_says_what_to_do()
    {
        using TemporaryFolder folder = new();
        using LlamaModel model = TinyRun.Model();
        TrainerOptions options = TinyRun.Options(folder.Path, epochs: 1);
        using Trainer trainer = new(model, new EndlessBatches(), options);
        RunFailedException error = Assert.Throws<RunFailedException>(() => trainer.Run(TestContext.Current.CancellationToken));
        Assert.Equal(
            $"after step 3: there is no memory left to go on. The newest checkpoint is {Path.Combine(folder.Path, Trainer.CheckpointsName, "step-000003")}. "
            + "Free memory and continue with --resume, where training.accumulation_steps and training.gradient_checkpointing may differ, or start a run that takes less: pique train --dry-run tells what fits.",
            error.Message);
    }

    [Theory]
    [InlineData("batch", 0)]
    [InlineData("measurement", 3)]
    public void Memory_that_runs_out_between_steps_ends_the_run_alike(string at, int step)
    {
        using TemporaryFolder folder = new();
        using LlamaModel model = TinyRun.Model();
        TrainerOptions options = TinyRun.Options(folder.Path, epochs: 1);
        options = options with { Training = options.Training with { EvaluateEverySteps = 3 } };
        IBatchSource batches = at == "batch" ? new ImpossibleBatches() : new TinyBatches();
        using Trainer trainer = new(model, batches, options, heldOutLoss: _ => TorchSharp.torch.empty(1L << 44).item<float>());
        RunFailedException error = Assert.Throws<RunFailedException>(() => trainer.Run(TestContext.Current.CancellationToken));
        Assert.StartsWith($"after step {step}: there is no memory left to go on. ", error.Message, StringComparison.Ordinal);
        Assert.False(error.IsDivergence);
    }

    [Fact]
    public void A_rehearsal_without_memory_is_a_recipe_that_does_not_fit()
    {
        using LlamaModel model = TinyRun.Model();
        using Trainer trainer = new(model, new EndlessBatches(endless: 0), TinyRun.Options(null, epochs: 1));
        InputException error = Assert.Throws<InputException>(() => trainer.Rehearse(int.MaxValue));
        Assert.Equal(
            "memory: there is none left for a pass of 2147483647 rows. Set training.gradient_checkpointing to true or data.context_tokens lower, free memory, or train on a machine with more.",
            error.Message);
    }

    [Fact]
    public void A_learning_teacher_whose_weights_are_lost_ends_the_run_and_is_not_saved()
    {
        using TemporaryFolder folder = new();
        using LlamaModel student = TinyRun.Model(), teacher = TinyRun.Model(2);
        using Trainer trainer = new(student, new TinyBatches(), TinyRun.Options(folder.Path, epochs: 1) with { FreezeTeacher = false }, teacher);
        trainer.Reported += happening =>
        {
            if (happening is TrainingEvent.StepCompleted { Metrics.Step: 3 })
            {
                using (TorchSharp.torch.no_grad())
                    teacher.Backbone.Embedding.Weight.fill_(float.NaN);
            }
        };
        RunFailedException error = Assert.Throws<RunFailedException>(() => trainer.Run(TestContext.Current.CancellationToken));
        Assert.StartsWith("step 3: the teacher's model.embed_tokens.weight holds a value that is not finite, put there by an optimizer step. ", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(folder.Path, Trainer.CheckpointsName)));
    }

    [Fact]
    public void A_checkpoint_later_than_the_last_finite_step_is_not_pushed_out_and_is_the_one_named()
    {
        using TemporaryFolder folder = new();
        using LlamaModel model = TinyRun.Model();
        TrainerOptions options = TinyRun.Options(folder.Path, epochs: 1);
        options = options with { Training = options.Training with { MaxSkippedSteps = 3, CheckpointSteps = 100, KeepCheckpoints = 1, KeepBest = true, EvaluateEverySteps = 3 } };
        using Trainer trainer = new(model, new PoisonedBatches([2, 3, 4]), options, heldOutLoss: _ => 1);
        RunFailedException error = Assert.Throws<RunFailedException>(() => trainer.Run(TestContext.Current.CancellationToken));
        string kept = Path.Combine(folder.Path, Trainer.CheckpointsName, "step-000003");
        Assert.Contains($"The weights of the last finite step are kept in {kept}.", error.Message, StringComparison.Ordinal);
        Assert.Equal([kept], Directory.EnumerateFileSystemEntries(Path.Combine(folder.Path, Trainer.CheckpointsName)));
        Assert.True(error.IsDivergence);
    }

    /// <summary>Batches that no machine has memory for.</summary>
    private sealed class ImpossibleBatches : IBatchSource
    {
        public int BatchesPerEpoch => 5;

        public IEnumerable<TokenBatch> Batches(int epoch, int startBatch = 0)
        {
            yield return TinyBatches.GetBatch(epoch, startBatch) with { Inputs = TorchSharp.torch.zeros(1L << 44) };
        }
    }

    /// <summary>Batches of which one, the fourth unless said otherwise, has more rows than any machine has memory for, all of them the same memory.</summary>
    private sealed class EndlessBatches(int endless = 3) : IBatchSource
    {
        public int BatchesPerEpoch => 5;

        public IEnumerable<TokenBatch> Batches(int epoch, int startBatch = 0) => Enumerable.Range(startBatch, 5 - startBatch).Select(place =>
        {
            TokenBatch batch = TinyBatches.GetBatch(epoch, place);
            return place < endless ? batch : batch with { Inputs = Endless(batch.Inputs), Targets = Endless(batch.Targets), LossMask = Endless(batch.LossMask) };
        });

        private static TorchSharp.torch.Tensor Endless(TorchSharp.torch.Tensor rows) => rows.narrow(0, 0, 1).expand(1L << 44, TinyRun.Context);
    }

    /// <summary>Batches whose loss mask is NaN at some places.</summary>
    private sealed class PoisonedBatches(int[] poisoned) : IBatchSource
    {
        public int BatchesPerEpoch => System.Math.Max(5, poisoned.Max() + 1);

        public IEnumerable<TokenBatch> Batches(int epoch, int startBatch = 0)
        {
            for (int place = startBatch; place < BatchesPerEpoch; place++)
            {
                TokenBatch batch = TinyBatches.GetBatch(epoch, place);
                if (poisoned.Contains(place))
                {
                    batch.LossMask.mul_(double.NaN);
                }

                yield return batch;
            }
        }
    }
}
