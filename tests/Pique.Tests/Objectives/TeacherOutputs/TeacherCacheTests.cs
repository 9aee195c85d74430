using Pique.Configuration;
using Pique.Data;
using Pique.Models.Llama;
using Pique.Objectives;
using Pique.Tests.Training;
using Pique.Training;
using TorchSharp.Modules;

namespace Pique.Tests.Objectives;

public sealed class TeacherCacheTests : IDisposable
{
    private static readonly QatLossWeights Weights = new() { LambdaTask = 0.7f, LambdaKd = 0.5f, LambdaReasoning = 0.3f, KdTemperature = 2 };

    private readonly Tests.TemporaryFolder _temporary = new();
    private readonly PackedDataset _dataset = CountingData.Dataset();
    private readonly LlamaModel _student = TinyRun.Model(1);
    private readonly LlamaModel _teacher = TinyRun.Model(2);

    private string Folder => _temporary.File("outputs");

    public void Dispose()
    {
        _student.Dispose();
        _teacher.Dispose();
        _temporary.Dispose();
    }

    [Fact]
    public void The_whole_distribution_kept_gives_what_the_teacher_gives()
    {
        using TeacherCache cache = Build(TinyRun.Vocabulary);
        CompositeObjective objective = new(Weights);
        int reasoned = 0;
        for (int epoch = 0; epoch < 2; epoch++)
        {
            foreach (TokenBatch batch in _dataset.Batches(epoch))
            {
                using (batch)
                {
                    using ObjectiveTerms live = objective.Compute(_student, _teacher, batch), kept = objective.ComputeWithKeptTeacher(_student, cache, batch);
                    Assert.Equal(live.Total.item<float>(), kept.Total.item<float>(), 1e-5);
                    Assert.Equal(live.Task, kept.Task);
                    Assert.Equal(live.Distillation, kept.Distillation, 1e-5);
                    Assert.Equal(live.Reasoning, kept.Reasoning, 1e-5);
                    Assert.All(Gradients(live).Zip(Gradients(kept)), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
                    reasoned += kept.Reasoning > 0 ? 1 : 0;
                }
            }
        }

        Assert.True(reasoned > 2);
    }

    [Fact]
    public void A_run_on_kept_outputs_has_the_losses_of_a_run_with_the_teacher()
    {
        double[] live = Losses(null);
        using TeacherCache cache = Build(TinyRun.Vocabulary);
        double[] kept = Losses(cache);
        Assert.Equal(2 * _dataset.BatchesPerEpoch, kept.Length);
        Assert.All(live.Zip(kept), pair => Assert.Equal(pair.First, pair.Second, 1e-4));

        double[] Losses(TeacherCache? outputs)
        {
            List<double> losses = [];
            using LlamaModel student = TinyRun.Model(1);
            using Trainer trainer = new(student, _dataset, TinyRun.Options(null) with { LossWeights = Weights }, _teacher, teacherOutputs: outputs);
            trainer.Reported += happening =>
            {
                if (happening is TrainingEvent.StepCompleted step)
                    losses.Add(step.Metrics.Loss);
            };
            Assert.Equal(trainer.Run(TestContext.Current.CancellationToken).TeacherDigest, outputs?.Key.TeacherDigest ?? Pique.Formats.ModelDigest.Compute(_teacher));
            return [.. losses];
        }
    }

    /// <summary>Merging tokens never raises a divergence (the data-processing inequality), so it rises with k to that of the whole distribution.</summary>
    [Fact]
    public void The_divergence_rises_with_the_tokens_kept_to_that_of_the_whole_distribution()
    {
        CompositeObjective objective = new(Weights with { LambdaReasoning = 0, KdTemperature = 1 });
        double[] rising = [.. new[] { 1, 4, 12, TinyRun.Vocabulary - 1, TinyRun.Vocabulary }.Select(Divergence)];
        Assert.Equal(rising.Order(), rising);
        Assert.True(rising[0] < 0.9 * rising[^1]);
        Assert.Equal(rising[^1], rising[^2], 1e-5);

        double Divergence(int topK)
        {
            using TeacherCache cache = TeacherCacheBuilder.OpenOrBuild(_temporary.File($"top-{topK}"), _teacher, _dataset, topK);
            return _dataset.Batches(0).Sum(batch =>
            {
                using (batch)
                {
                    using ObjectiveTerms terms = objective.ComputeWithKeptTeacher(_student, cache, batch);
                    return terms.Distillation;
                }
            });
        }
    }

    [Fact]
    public void The_likeliest_tokens_kept_give_the_same_on_the_fused_and_on_the_plain_way()
    {
        using TeacherCache cache = Build(5);
        using TokenBatch batch = _dataset.Batches(1).First();
        using ObjectiveTerms fused = new CompositeObjective(Weights).ComputeWithKeptTeacher(_student, cache, batch);
        using ObjectiveTerms plain = new CompositeObjective(Weights) { IsPlain = true }.ComputeWithKeptTeacher(_student, cache, batch);
        using ObjectiveTerms chunked = new CompositeObjective(Weights) { ChunkRows = 4 }.ComputeWithKeptTeacher(_student, cache, batch);
        foreach (ObjectiveTerms terms in (ObjectiveTerms[])[plain, chunked])
        {
            Assert.Equal(fused.Total.item<float>(), terms.Total.item<float>(), 1e-5);
            Assert.Equal(fused.Distillation, terms.Distillation, 1e-5);
            Assert.Equal(fused.Reasoning, terms.Reasoning, 1e-5);
        }

        Assert.All(Gradients(plain).Zip(Gradients(fused)), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
    }

    [Fact]
    public void A_student_equal_to_its_teacher_does_not_diverge_from_the_tokens_kept()
    {
        using TeacherCache cache = Build(5);
        using LlamaModel student = TinyRun.Model(2);
        using TokenBatch batch = _dataset.Batches(0).First();
        using ObjectiveTerms terms = new CompositeObjective(Weights).ComputeWithKeptTeacher(student, cache, batch);
        Assert.Equal(0, terms.Distillation, 1e-6);
        Assert.Equal(0, terms.Reasoning, 1e-5);
    }

    [Fact]
    public void A_batch_that_is_of_no_data_set_is_refused()
    {
        using TeacherCache cache = Build(5);
        using TokenBatch batch = TinyBatches.GetBatch(0, 0);
        Assert.StartsWith(
            "Found a batch that names 0 rows of a data set, expected 2: kept teacher outputs are found by them.",
            Assert.Throws<ArgumentException>(() => new CompositeObjective(Weights).ComputeWithKeptTeacher(_student, cache, batch)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_teacher_that_is_trained_has_no_outputs_to_keep()
    {
        using TeacherCache cache = Build(5);
        Assert.StartsWith(
            "Found kept outputs of a teacher that is to be trained; its outputs change with it.",
            Assert.Throws<ArgumentException>(() => new Trainer(_student, _dataset, TinyRun.Options(null) with { FreezeTeacher = false }, _teacher, teacherOutputs: cache)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_student_of_another_vocabulary_is_refused()
    {
        using TeacherCache cache = Build(5);
        using LlamaModel student = new(_student.Config with { VocabularySize = 29 });
        using TokenBatch batch = _dataset.Batches(0).First();
        Assert.Equal(
            "The teacher has 23 token ids, the student 29; distillation needs one vocabulary: choose a teacher with the student's tokenizer, or set use_distillation to false.",
            Assert.Throws<InputException>(() => new CompositeObjective(Weights).ComputeWithKeptTeacher(student, cache, batch)).Message);
    }

    private TeacherCache Build(int topK) => TeacherCacheBuilder.OpenOrBuild(Folder, _teacher, _dataset, topK);

    private float[] Gradients(ObjectiveTerms terms)
    {
        terms.Total.backward();
        float[] gradients = [.. _student.parameters().SelectMany(parameter => parameter.grad!.data<float>().ToArray())];
        foreach (Parameter parameter in _student.parameters())
            parameter.grad = null;
        return gradients;
    }
}
