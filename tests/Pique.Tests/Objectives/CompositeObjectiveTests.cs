using Pique.Configuration;
using Pique.Data;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Objectives;
using Pique.Quantization;
using Pique.Tests.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Tests.Objectives;

public sealed class CompositeObjectiveTests
{
    private static readonly QatLossWeights All = new() { LambdaTask = 0.7f, LambdaKd = 0.5f, LambdaReasoning = 0.3f, KdTemperature = 2 };

    [Fact]
    public void The_total_is_the_weighted_sum()
    {
        using LlamaModel student = TinyRun.Model(1), teacher = TinyRun.Model(2);
        using TokenBatch batch = TinyBatches.GetBatch(0, 0);
        using ObjectiveTerms terms = new CompositeObjective(All).Compute(student, teacher, batch);
        Assert.True(terms.Task > 0 && terms.Distillation > 0 && terms.Reasoning > 0);
        Assert.Equal((0.7 * terms.Task) + (0.5 * terms.Distillation) + (0.3 * terms.Reasoning), terms.Total.item<float>(), 1e-5);
        Assert.Null(terms.TeacherTask);
    }

    [Fact]
    public void Leaving_masked_positions_out_changes_no_term()
    {
        using LlamaModel student = TinyRun.Model(1), teacher = TinyRun.Model(2);
        using TokenBatch batch = TinyBatches.GetBatch(0, 0);
        using DisposeScope scope = NewDisposeScope();
        Tensor own = student.forward(batch.Inputs).reshape(-1, TinyRun.Vocabulary), other = teacher.forward(batch.Inputs).reshape(-1, TinyRun.Vocabulary);
        Tensor mask = batch.LossMask.reshape(-1);
        Assert.NotEqual(mask.numel(), (long)mask.sum().item<float>());
        using ObjectiveTerms terms = new CompositeObjective(All).Compute(student, teacher, batch);
        Assert.Equal(
            TaskLoss.Compute(nn.functional.log_softmax(own, -1), batch.Targets.reshape(-1), mask).item<float>(), terms.Task, 1e-5);
        Assert.Equal(
            DistillationLoss.Compute(nn.functional.log_softmax(own / 2, -1), nn.functional.log_softmax(other / 2, -1), mask, 2).item<float>(), terms.Distillation, 1e-6);
    }

    [Theory]
    [InlineData("tied")]
    [InlineData("untied")]
    [InlineData("quantized")]
    [InlineData("quantized activations")]
    public void The_fused_way_gives_the_losses_and_gradients_of_the_plain_one(string kind)
    {
        using LlamaModel student = Model(kind, 1), teacher = Model(kind == "untied" ? "untied" : "tied", 2);
        using TokenBatch batch = TinyBatches.GetBatch(0, 0);
        (ObjectiveTerms plain, Dictionary<string, float[]> expected) = Run(new(All) { IsPlain = true });
        foreach (int? chunkRows in (int?[])[null, 1, 7])
        {
            (ObjectiveTerms fused, Dictionary<string, float[]> found) = Run(new(All) { ChunkRows = chunkRows });
            Assert.Equal(plain.Total.item<float>(), fused.Total.item<float>(), 1e-5);
            Assert.Equal(plain.Task, fused.Task, 1e-5);
            Assert.Equal(plain.Distillation, fused.Distillation, 1e-5);
            Assert.Equal(plain.Reasoning, fused.Reasoning, 1e-5);
            Assert.Equal(expected.Keys, found.Keys);
            foreach ((string name, float[] gradient) in expected)
                Assert.All(gradient.Zip(found[name]), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        }

        (ObjectiveTerms, Dictionary<string, float[]>) Run(CompositeObjective objective)
        {
            ObjectiveTerms terms = objective.Compute(student, teacher, batch);
            terms.Total.backward();
            Parameter[] trained = [.. student.parameters(), .. student.QuantizableLayers.SelectMany(entry => entry.Layer.WeightQuantizer?.parameters() ?? [])];
            Dictionary<string, float[]> gradients = trained.Index().ToDictionary(entry => $"{entry.Index}", entry => entry.Item.grad!.data<float>().ToArray());
            foreach (Parameter parameter in trained)
                parameter.grad = null;
            return (terms, gradients);
        }
    }

    [Fact]
    public void A_student_equal_to_its_teacher_has_only_the_task_loss()
    {
        using LlamaModel student = TinyRun.Model(1), teacher = TinyRun.Model(1);
        using TokenBatch batch = TinyBatches.GetBatch(0, 0);
        using ObjectiveTerms terms = new CompositeObjective(All).Compute(student, teacher, batch);
        Assert.Equal(0, terms.Distillation, 1e-6);
        Assert.Equal(0, terms.Reasoning, 1e-5);
    }

    [Theory]
    [InlineData(1f)]
    [InlineData(2f)]
    public void Gradients_of_the_total_agree_with_finite_differences(float temperature)
    {
        using LlamaModel student = TinyRun.Model(1), teacher = TinyRun.Model(2);
        Enlarge(student);
        Enlarge(teacher);
        using TokenBatch batch = TinyBatches.GetBatch(0, 0);
        CompositeObjective objective = new(All with { KdTemperature = temperature });
        using (ObjectiveTerms terms = objective.Compute(student, teacher, batch))
        {
            terms.Total.backward();
        }

        foreach ((string name, Parameter parameter) in student.named_parameters())
        {
            // Along the gradient's own direction the slope is the gradient's norm.
            using DisposeScope scope = NewDisposeScope();
            Tensor gradient = parameter.grad!;
            double norm = gradient.norm().item<float>();
            const double Distance = 1e-2;
            Tensor direction = gradient / norm;
            double slope = (Total(parameter, direction, Distance) - Total(parameter, direction, -Distance)) / (2 * Distance);
            Assert.True(Math.Abs(slope - norm) < (0.02 * norm) + 1e-3, $"{name}: slope {slope}, gradient norm {norm}");
        }

        Assert.All(teacher.parameters(), parameter => Assert.Null(parameter.grad));

        double Total(Parameter parameter, Tensor direction, double distance)
        {
            using IDisposable guard = no_grad();
            using Tensor saved = parameter.clone();
            parameter.add_(direction, distance);
            using ObjectiveTerms terms = objective.Compute(student, teacher, batch);
            parameter.copy_(saved);
            return terms.Total.item<float>();
        }
    }

    [Fact]
    public void A_teacher_that_learns_gets_gradients_of_its_own_task_loss_only()
    {
        using LlamaModel student = TinyRun.Model(1), teacher = TinyRun.Model(2), alone = TinyRun.Model(2);
        using TokenBatch batch = TinyBatches.GetBatch(0, 0);
        using ObjectiveTerms terms = new CompositeObjective(All).Compute(student, teacher, batch, teacherLearns: true);
        terms.Total.backward();
        Assert.All(teacher.parameters(), parameter => Assert.Null(parameter.grad));
        terms.TeacherTask!.backward();
        using ObjectiveTerms expected = CompositeObjective.TaskOnly.Compute(alone, null, batch);
        Assert.Equal(expected.Task, terms.TeacherTask.item<float>(), 1e-5);
        Assert.All(teacher.parameters(), parameter => Assert.NotNull(parameter.grad));
    }

    [Fact]
    public void A_target_outside_the_vocabulary_is_an_error_and_gradients_stay_on()
    {
        using LlamaModel student = TinyRun.Model(1);
        using TokenBatch good = TinyBatches.GetBatch(0, 0);
        using TokenBatch bad = good with { Targets = full_like(good.Targets, 23.ToScalar()) };
        Assert.Equal(
            "data: found the token id 23, the model's vocabulary has 23 ids from 0 on; tokenize the data with the model's own tokenizer.",
            Assert.Throws<InputException>(() => CompositeObjective.TaskOnly.Compute(student, null, bad)).Message);
        Assert.True(is_grad_enabled());
    }

    [Fact]
    public void A_teacher_of_another_vocabulary_is_refused()
    {
        using LlamaModel student = TinyRun.Model(1);
        using LlamaModel teacher = new(student.Config with { VocabularySize = 29 });
        using TokenBatch batch = TinyBatches.GetBatch(0, 0);
        InputException error = Assert.Throws<InputException>(() => new CompositeObjective(All).Compute(student, teacher, batch));
        Assert.Equal(
            "The teacher has 29 token ids, the student 23; distillation needs one vocabulary: choose a teacher with the student's tokenizer, or set use_distillation to false.",
            error.Message);
    }

    private static LlamaModel Model(string kind, long seed)
    {
        LlamaModel tied = TinyRun.Model(seed);
        if (kind == "tied")
            return tied;
        LlamaModel model = new(tied.Config with { TieWordEmbeddings = kind == "quantized" });
        LlamaInitializer.Initialize(model, seed);
        tied.Dispose();
        if (kind != "untied")
        {
            QuantGranularity granularity = kind == "quantized" ? new QuantGranularity.PerChannel() : new QuantGranularity.PerToken();
            ModelQuantizer.Prepare(model.QuantizableLayers, _ => new WeightQuantizationSpec(3, granularity, new SteVariant.LearnedStepSize()), ScaleMethod.AbsMax);
            if (granularity is QuantGranularity.PerToken)
                model.Head!.ActivationQuantizer = new(8);
        }

        return model;
    }

    /// <summary>Larger weights, so that the losses bend and slopes stand out of float32's noise.</summary>
    private static void Enlarge(LlamaModel model)
    {
        using IDisposable guard = no_grad();
        foreach (Parameter parameter in model.parameters().Where(parameter => parameter.dim() == 2))
        {
            parameter.mul_(8);
        }
    }
}
