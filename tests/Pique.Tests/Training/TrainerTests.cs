using Pique.Configuration;
using Pique.Formats;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Training;

public sealed class TrainerTests
{
    [Fact]
    public void Ten_steps_of_pretraining_give_the_recorded_losses()
    {
        // Recorded from this test itself; the first is near ln 23 = 3.1355, as it must be for an untrained model of 23 tokens.
        double[] golden = [3.19428, 3.11684, 3.03037, 2.90060, 2.82457, 2.75120, 2.69868, 2.64162, 2.57302, 2.58052];
        using LlamaModel model = TinyRun.Model();
        AssertClose(golden, Losses(model, TinyRun.Options(null)));
    }

    [Fact]
    public void Ten_steps_of_quantization_aware_training_give_the_recorded_losses()
    {
        // Recorded from this test itself. The first is as above, since the teacher is the student and the strength is 0.
        double[] golden = [3.19428, 3.12104, 3.05895, 2.97409, 2.98487, 2.89688, 2.91197, 2.84554, 2.82868, 2.80775];
        using LlamaModel teacher = TinyRun.Model(), student = Student();
        AssertClose(golden, Losses(student, QatOptions(null), teacher));
    }

    [Fact]
    public void A_hundred_steps_learn_to_count_in_threes_in_full_precision_and_in_three_bits()
    {
        using LlamaModel teacher = TinyRun.Model(), student = Student();
        Assert.InRange(Losses(teacher, TinyRun.Options(null, epochs: 20))[^1], 0, 0.5);
        TrainerOptions options = QatOptions(null) with { Epochs = 20, LossWeights = new() { LambdaKd = 0, LambdaReasoning = 0 } };
        Assert.InRange(Losses(student, options)[^1], 0, 1);
    }

    [Fact]
    public void Two_runs_end_with_the_same_bytes()
    {
        using LlamaModel teacher = TinyRun.Model(), first = Student(), second = Student();
        Losses(first, QatOptions(null), teacher);
        Losses(second, QatOptions(null), teacher);
        TinyRun.AssertSameBytes(first, second);
        using LlamaModel untrained = Student();
        Assert.False(TinyRun.Bytes(untrained).All(item => item.Value.SequenceEqual(TinyRun.Bytes(first)[item.Key])));
    }

    [Fact]
    public void The_strength_rises_over_the_warm_up_and_ends_at_one()
    {
        using LlamaModel teacher = TinyRun.Model(), student = Student();
        List<double> strengths = [];
        using Trainer trainer = new(student, new TinyBatches(4), QatOptions(null), teacher);
        trainer.Reported += happening =>
        {
            if (happening is TrainingEvent.StepCompleted step)
            {
                strengths.Add(step.Metrics.QuantizationStrength);
            }
        };
        trainer.Run(TestContext.Current.CancellationToken);
        Assert.Equal([0, 0.25, 0.5, 0.75, 1, 1, 1, 1], strengths);
        Assert.All(student.QuantizableLayers, entry => Assert.Equal(1f, entry.Layer.WeightQuantizer!.Strength));
    }

    [Fact]
    public void Scales_are_trained_and_stay_positive_at_an_absurd_learning_rate()
    {
        using LlamaModel teacher = TinyRun.Model(), student = Student();
        float[] before = Scales(student);
        Losses(student, QatOptions(null) with { QuantizationLearningRate = 100 }, teacher);
        float[] after = Scales(student);
        Assert.NotEqual(before, after);
        Assert.All(after, scale => Assert.True(scale > 0));
    }

    [Fact]
    public void A_frozen_teacher_keeps_its_digest_and_the_result_states_it()
    {
        using LlamaModel teacher = TinyRun.Model(), student = Student();
        string before = ModelDigest.Compute(teacher);
        using Trainer trainer = new(student, new TinyBatches(), QatOptions(null), teacher);
        Assert.Equal(before, trainer.Run(TestContext.Current.CancellationToken).TeacherDigest);
        Assert.Equal(before, ModelDigest.Compute(teacher));
    }

    [Fact]
    public void A_frozen_teacher_that_changes_fails_the_run()
    {
        using LlamaModel teacher = TinyRun.Model(), student = Student();
        using Trainer trainer = new(student, new TinyBatches(), QatOptions(null), teacher);
        trainer.Reported += happening =>
        {
            if (happening is TrainingEvent.EpochCompleted)
            {
                using IDisposable guard = no_grad();
                teacher.parameters().First().add_(1);
            }
        };
        RunFailedException error = Assert.Throws<RunFailedException>(() => trainer.Run(TestContext.Current.CancellationToken));
        Assert.StartsWith("The frozen teacher changed during training: SHA-256 ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_teacher_that_is_not_frozen_learns_what_it_would_learn_alone()
    {
        using LlamaModel teacher = TinyRun.Model(2), alone = TinyRun.Model(2), student = Student();
        Losses(student, QatOptions(null) with { FreezeTeacher = false }, teacher);
        Losses(alone, TinyRun.Options(null) with { LossWeights = new() { LambdaKd = 0, LambdaReasoning = 0 } });
        TinyRun.AssertSameBytes(alone, teacher);
    }

    [Fact]
    public void Matrices_decay_gains_do_not_and_quantization_parameters_have_their_own_rate()
    {
        using LlamaModel student = Student();
        TrainerOptions options = TinyRun.Options(null) with { WeightLearningRate = 3, QuantizationLearningRate = 2, WeightDecay = 0.7 };
        IReadOnlyList<ParameterGroup> groups = TrainedParameters.Of(student).Groups(options);
        Assert.Equal([(3.0, 0.7), (3.0, 0.0), (2.0, 0.0)], groups.Select(group => (group.LearningRate, group.WeightDecay)));
        Assert.All(groups[0].Parameters, item => Assert.Equal(2, item.Value.dim()));
        Assert.All(groups[1].Parameters, item => Assert.EndsWith("norm.weight", item.Name, StringComparison.Ordinal));
        Assert.Contains("quantizer.model.layers.0.self_attn.q_proj.scale", groups[2].Parameters.Select(item => item.Name));
        Assert.Equal(student.parameters().Count(), groups[0].Parameters.Count + groups[1].Parameters.Count);
    }

    [Fact]
    public void A_step_leaves_no_tensor_behind()
    {
        using LlamaModel teacher = TinyRun.Model(), student = Student();
        List<long> live = [];
        using Trainer trainer = new(student, new TinyBatches(), QatOptions(null), teacher);
        trainer.Reported += happening =>
        {
            if (happening is TrainingEvent.StepCompleted)
            {
                live.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount);
            }
        };
        trainer.Run(TestContext.Current.CancellationToken);
        Assert.Equal(10, live.Count);
        Assert.All(live, count => Assert.Equal(live[0], count));
    }

    internal static TrainerOptions QatOptions(string? folder) => TinyRun.Options(folder) with
    {
        WarmupEpochs = 1,
        QuantizationLearningRate = 1e-3,
        LossWeights = new() { LambdaTask = 1, LambdaKd = 0.5f, LambdaReasoning = 0.2f, KdTemperature = 2 },
    };

    internal static LlamaModel Student()
    {
        LlamaModel student = TinyRun.Model();
        ModelQuantizer.Prepare(
            student.QuantizableLayers,
            _ => new WeightQuantizationSpec(3, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize()),
            ScaleMethod.AbsMax);
        return student;
    }

    internal static double[] Losses(LlamaModel student, TrainerOptions options, LlamaModel? teacher = null)
    {
        List<double> losses = [];
        using Trainer trainer = new(student, new TinyBatches(), options, teacher);
        trainer.Reported += happening =>
        {
            if (happening is TrainingEvent.StepCompleted step)
            {
                losses.Add(step.Metrics.Loss);
            }
        };
        trainer.Run(TestContext.Current.CancellationToken);
        return [.. losses];
    }

    private static float[] Scales(LlamaModel model) =>
        [.. model.QuantizableLayers.SelectMany(entry => entry.Layer.WeightQuantizer!.LearnedParameter!.data<float>().ToArray())];

    // Processors add in different orders, and a weight close to a rounding boundary may then take the neighbouring code.
    private const double LossTolerance = 1e-3;

    private static void AssertClose(double[] expected, double[] actual) => Assert.True(
        expected.Length == actual.Length && expected.Zip(actual).All(pair => Math.Abs(pair.First - pair.Second) < LossTolerance),
        "losses: " + string.Join(", ", actual.Select(loss => loss.ToString("F5", System.Globalization.CultureInfo.InvariantCulture))));
}
