using Pique.Configuration;
using Pique.Data;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Training;

public sealed class MicroBatchTests
{
    /// <summary>Five rows with masks and chains of thought of their own, none at all in one of them.</summary>
    private static TokenBatch Batch()
    {
        using DisposeScope scope = NewDisposeScope();
        TokenBatch[] pairs = [.. Enumerable.Range(0, 3).Select(place => TinyBatches.GetBatch(3, place))];
        Tensor mask = cat([.. pairs.Select(pair => pair.LossMask)]).narrow(0, 0, 5).clone();
        for (int row = 0; row < 5; row++)
            mask[row].narrow(0, 0, 1 + (3 * row)).zero_();
        return new(
            cat([.. pairs.Select(pair => pair.Inputs)]).narrow(0, 0, 5).contiguous().MoveToOuterDisposeScope(),
            cat([.. pairs.Select(pair => pair.Targets)]).narrow(0, 0, 5).contiguous().MoveToOuterDisposeScope(),
            mask.MoveToOuterDisposeScope(),
            [
                new(0, 0, new(0, 3, ReasoningSpanKind.Answer)),
                new(1, 1, new(2, 3, ReasoningSpanKind.Calculation)),
                new(1, 1, new(5, 2, ReasoningSpanKind.Conclusion)),
                new(1, 1, new(9, 4, ReasoningSpanKind.Answer)),
                new(3, 2, new(1, 5, ReasoningSpanKind.Calculation)),
                new(3, 2, new(7, 2, ReasoningSpanKind.Answer)),
                new(4, 3, new(3, 2, ReasoningSpanKind.Calculation)),
            ],
            5 * TinyRun.Context);
    }

    [Theory]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(5, false)]
    [InlineData(9, false)]
    [InlineData(2, true)]
    [InlineData(5, true)]
    public void Gradients_and_losses_of_the_parts_add_up_to_those_of_the_batch(int parts, bool teacherLearns)
    {
        (StepOutcome whole, Dictionary<string, float[]> expected) = GradientsOf(parts: 1, teacherLearns);
        (StepOutcome sum, Dictionary<string, float[]> actual) = GradientsOf(parts, teacherLearns);

        Assert.Equal(whole.Loss, sum.Loss, 1e-5);
        Assert.Equal((whole.TaskLoss, whole.KdLoss, whole.ReasoningLoss), (sum.TaskLoss, sum.KdLoss, sum.ReasoningLoss), Close);
        Assert.Equal(whole.GradNorm, sum.GradNorm, 1e-4);
        Assert.Equal(expected.Keys, actual.Keys);
        Assert.All(expected, gradient =>
        {
            double largest = gradient.Value.Max(Math.Abs);
            Assert.All(gradient.Value.Zip(actual[gradient.Key]), pair => Assert.True(Math.Abs(pair.First - pair.Second) <= 1e-6 + (1e-4 * largest), $"{gradient.Key}: {pair}"));
        });
    }

    [Fact]
    public void Parts_have_whole_rows_in_order_and_their_own_spans()
    {
        using TokenBatch batch = Batch();
        List<(long Rows, int[] SpanRows, int Tokens)> parts = [];
        foreach (MicroBatch part in MicroBatch.Divide(batch, 2, new TrainerOptions()))
        {
            using (part)
                parts.Add((part.Batch.Inputs.shape[0], [.. part.Batch.Spans.Select(span => span.Row)], part.Batch.TokenCount));
        }

        Assert.Equal([2, 3], parts.Select(part => part.Rows));
        Assert.Equal([0, 1, 1, 1], parts[0].SpanRows);
        Assert.Equal([1, 1, 2], parts[1].SpanRows);
    }

    [Fact]
    public void A_run_in_parts_resumes_to_its_own_bytes_and_stays_close_to_the_run_in_whole_batches()
    {
        using TemporaryFolder folder = new();
        using LlamaModel teacher = TinyRun.Model(2), whole = TrainerTests.Student(), parts = TrainerTests.Student(), first = TrainerTests.Student(), resumed = TrainerTests.Student();
        TrainerOptions options = TrainerTests.QatOptions(null);
        TrainerOptions inParts = options with { Training = options.Training with { AccumulationSteps = 2 } };
        double[] expected = TrainerTests.Losses(whole, options, teacher);
        double[] actual = TrainerTests.Losses(parts, inParts, teacher);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, 1e-3));

        using CancellationTokenSource interrupt = new();
        using (Trainer trainer = new(first, new TinyBatches(), inParts with { RunFolder = folder.Path }, teacher))
        {
            trainer.Reported += happening =>
            {
                if (happening is TrainingEvent.StepCompleted { Metrics.Step: 4 })
                    interrupt.Cancel();
            };
            trainer.Run(interrupt.Token);
        }

        TrainerTests.Losses(resumed, inParts with { RunFolder = folder.Path, Resume = true }, teacher);
        TinyRun.AssertSameBytes(parts, resumed);
    }

    private static bool Close((double, double, double) left, (double, double, double) right) =>
        Math.Abs(left.Item1 - right.Item1) + Math.Abs(left.Item2 - right.Item2) + Math.Abs(left.Item3 - right.Item3) < 1e-5;

    /// <summary>One step at learning rate 0; the gradients are read off the optimizer's first moments, a tenth of them.</summary>
    private static (StepOutcome Outcome, Dictionary<string, float[]> Gradients) GradientsOf(int parts, bool teacherLearns)
    {
        using LlamaModel teacher = TinyRun.Model(2), student = TinyRun.Model();
        ModelQuantizer.Prepare(
            student.QuantizableLayers,
            _ => new WeightQuantizationSpec(3, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize()) { OscillationDampening = 0.5f },
            ScaleMethod.AbsMax);
        TrainerOptions options = TrainerTests.QatOptions(null) with { GradClip = null, FreezeTeacher = !teacherLearns };
        options = options with { Training = options.Training with { AccumulationSteps = parts } };
        using Learner learner = new(student, options);
        using Learner? teacherLearner = teacherLearns ? new(teacher, options) : null;
        using TokenBatch batch = Batch();
        StepOutcome outcome = new TrainingStep(student, learner, teacher, teacherLearner, options).Run(batch, new(0, 1));
        IEnumerable<(string Name, Tensor Value)> moments = learner.Optimizer.Moments;
        if (teacherLearner is not null)
            moments = moments.Concat(teacherLearner.Optimizer.Moments.Select(moment => ("teacher." + moment.Name, moment.Value)));
        return (outcome, moments.Where(moment => moment.Name.Contains("first_moment", StringComparison.Ordinal)).ToDictionary(moment => moment.Name, moment => moment.Value.data<float>().ToArray()));
    }
}
