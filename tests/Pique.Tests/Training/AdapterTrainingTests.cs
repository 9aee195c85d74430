using Pique.Adapters;
using Pique.Configuration;
using Pique.Formats;
using Pique.Formats.Safetensors;
using Pique.Models;
using Pique.Quantization;
using Pique.Tests.Adapters;
using Pique.Training;

namespace Pique.Tests.Training;

public sealed class AdapterTrainingTests
{
    [Fact]
    public void Adapters_and_scales_learn_and_the_base_stays_as_it_was()
    {
        using AdaptedTinyRun run = new();
        string digest = ModelDigest.Compute(run.Model);
        float[][] before = Trained(run);

        double[] losses = Train(run, Options(null) with { Epochs = 20, WeightLearningRate = 3e-2, LossWeights = new() { LambdaKd = 0, LambdaReasoning = 0 } });

        // A frozen random embedding of deviation 0.02 gives logits of a few tenths at most: from 3.19 nats there is not far to go.
        Assert.InRange(losses[^1], 0, 0.95 * losses[0]);
        Assert.Equal(digest, ModelDigest.Compute(run.Model));
        Assert.All(before.Zip(Trained(run)), pair => Assert.NotEqual(pair.First, pair.Second));
    }

    [Fact]
    public void Adapters_decay_as_matrices_and_scales_have_a_rate_of_their_own()
    {
        using AdaptedTinyRun run = new();
        IReadOnlyList<ParameterGroup> groups = TrainedParameters.Of(run.Model).Groups(Options(null));

        Assert.Equal((0.1, 28), (groups[0].WeightDecay, groups[0].Parameters.Count));
        Assert.Equal(["model.layers.0.self_attn.q_proj.lora_A.weight", "model.layers.0.self_attn.q_proj.lora_B.weight"], groups[0].Parameters.Take(2).Select(item => item.Name));
        Assert.Empty(groups[1].Parameters);
        Assert.Equal((1e-3, 0.0, 14), (groups[2].LearningRate, groups[2].WeightDecay, groups[2].Parameters.Count));
    }

    [Theory]
    [InlineData(0, 4)]
    [InlineData(0.3, 4)]
    [InlineData(0.3, 7)]
    public void A_run_interrupted_and_resumed_ends_with_the_bytes_of_one_that_ran_through(double dropout, int interruptedAt)
    {
        using TemporaryFolder whole = new(), broken = new();
        using AdaptedTinyRun expected = new(), first = new(), actual = new();
        Train(expected, Options(whole.Path, dropout));

        Assert.Equal(interruptedAt, Train(first, Options(broken.Path, dropout), interruptedAt).Length);
        Train(actual, Options(broken.Path, dropout) with { Resume = true });

        Assert.Equal(Trained(expected), Trained(actual));
        foreach (string file in (string[])["model.safetensors", "optimizer.safetensors"])
            Assert.Equal(File.ReadAllBytes(Newest(whole.Path, file)), File.ReadAllBytes(Newest(broken.Path, file)));
    }

    [Fact]
    public void A_checkpoint_carries_what_is_trained_and_nothing_of_the_base()
    {
        using TemporaryFolder folder = new();
        using AdaptedTinyRun run = new();
        Train(run, Options(folder.Path));

        using SafetensorsFile saved = SafetensorsFile.Open(Newest(folder.Path, "model.safetensors"));
        Assert.Equal(28 + 14, saved.Tensors.Count);
        Assert.All(saved.Tensors, tensor => Assert.True(
            tensor.Name.EndsWith(".lora_A.weight", StringComparison.Ordinal) || tensor.Name.EndsWith(".lora_B.weight", StringComparison.Ordinal) || tensor.Name.EndsWith(".scale", StringComparison.Ordinal), tensor.Name));
    }

    [Fact]
    public void A_run_resumed_on_another_base_is_refused()
    {
        using TemporaryFolder folder = new();
        using AdaptedTinyRun run = new(), other = new(AdaptedTinyRun.Recipe(FrozenStorage.Int8));
        Train(run, Options(folder.Path), interruptedAt: 4);

        InputException error = Assert.Throws<InputException>(() => Train(other, Options(folder.Path) with { Resume = true }));

        string checkpoint = Path.Combine(folder.Path, Trainer.CheckpointsName, "step-000004");
        Assert.Equal(
            $"{checkpoint}: the checkpoint is of another run: teacher digest {ModelDigest.Compute(run.Model)}, this run has {ModelDigest.Compute(other.Model)}. Resume with the recipe, data and teacher it was made with, or choose another run folder.",
            error.Message);
    }

    [Fact]
    public void Dropout_changes_the_steps_and_is_gone_after_them()
    {
        using AdaptedTinyRun without = new(), with = new();
        double[] plain = Train(without, Options(null)), dropped = Train(with, Options(null, dropout: 0.5));

        // B is zero in the first step, so there is nothing to drop yet.
        Assert.Equal(plain[0], dropped[0]);
        Assert.NotEqual(plain[^1], dropped[^1]);
        float[] logits = with.Logits();
        foreach ((_, LoraAdapter adapter) in with.Adapted.Adapters)
            adapter.KeepAll();
        Assert.Equal(logits, with.Logits());
    }

    [Fact]
    public void The_last_forward_pass_and_the_merged_weights_have_the_same_bits()
    {
        using AdaptedTinyRun run = new();
        Train(run, Options(null));

        IReadOnlyDictionary<string, QuantizedTensor> merged = run.Adapted.Merge();
        foreach ((string name, IQuantizableLayer layer) in run.Model.QuantizableLayers)
        {
            using TorchSharp.torch.Tensor effective = layer.EffectiveWeight();
            Assert.Equal(effective.detach().data<float>().ToArray(), merged[name].DequantizeToArray());
        }
    }

    private static TrainerOptions Options(string? folder, double dropout = 0) => TrainerTests.QatOptions(folder) with { AdapterDropout = dropout };

    private static double[] Train(AdaptedTinyRun run, TrainerOptions options, int? interruptedAt = null)
    {
        List<double> losses = [];
        using CancellationTokenSource interruption = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using CausalLanguageModel teacher = run.Adapted.CreateTeacher();
        using Trainer trainer = new(run.Model, new TinyBatches(), options, teacher);
        trainer.Reported += happening =>
        {
            if (happening is TrainingEvent.StepCompleted step)
            {
                losses.Add(step.Metrics.Loss);
                if (losses.Count == interruptedAt)
                    interruption.Cancel();
            }
        };
        trainer.Run(interruption.Token);
        return [.. losses];
    }

    private static float[][] Trained(AdaptedTinyRun run) =>
        [.. TrainedParameters.Of(run.Model).Saved.Select(item => item.Value.detach().data<float>().ToArray())];

    private static string Newest(string folder, string file) =>
        Path.Combine(Directory.EnumerateDirectories(Path.Combine(folder, Trainer.CheckpointsName)).Order(StringComparer.Ordinal).Last(), file);
}
