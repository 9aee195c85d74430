using System.Text.Json;
using Pique.Data;
using Pique.Models.Llama;
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
                Assert.All(TinyRun.Bytes(model), item => Assert.Equal(before![item.Key], item.Value));
            }
        };

        TrainingResult result = trainer.Run(TestContext.Current.CancellationToken);

        Assert.Equal(1, skipped);
        Assert.Equal((5, 1), (result.Steps, result.SkippedSteps));
        Assert.True(double.IsFinite(result.LastLoss!.Value));
        JsonElement line = JsonDocument.Parse(File.ReadLines(Path.Combine(folder.Path, MetricsWriter.FileName)).ElementAt(2)).RootElement;
        Assert.Equal(
            ["step", "epoch", "loss", "task_loss", "kd_loss", "reasoning_loss", "grad_norm", "learning_rate", "quantization_strength", "tokens_per_second", "step_seconds"],
            line.EnumerateObject().Select(property => property.Name));
        Assert.Equal(JsonValueKind.Null, line.GetProperty("loss").ValueKind);
    }

    [Fact]
    public void Five_in_a_row_fail_the_run()
    {
        using LlamaModel model = TinyRun.Model();
        using Trainer trainer = new(model, new PoisonedBatches([0, 2, 3, 4, 5, 6]), TinyRun.Options(null, epochs: 1));
        RunFailedException error = Assert.Throws<RunFailedException>(() => trainer.Run(TestContext.Current.CancellationToken));
        Assert.Equal(
            "step 7: loss or gradient was not finite in 5 steps in a row (loss NaN, gradient norm NaN); lower the learning rate or set grad_clip, then resume from the last checkpoint or start anew.",
            error.Message);
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
