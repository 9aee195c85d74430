using Pique.Configuration;
using Pique.Data;
using Pique.Models.Llama;
using Pique.Quantization;
using Pique.Tests.Numerics;
using Pique.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Training;

/// <summary>Moments in 8 bits and latent weights in bfloat16, in real training.</summary>
public sealed class SmallStatesTests
{
    [Theory]
    [InlineData(OptimizerStates.Int8, LatentWeights.Float32)]
    [InlineData(OptimizerStates.Float32, LatentWeights.Bfloat16)]
    [InlineData(OptimizerStates.Int8, LatentWeights.Bfloat16)]
    public void Sixty_steps_learn_as_much_as_with_float32_states(OptimizerStates states, LatentWeights latent)
    {
        double[] reference = Losses(OptimizerStates.Float32, LatentWeights.Float32), losses = Losses(states, latent);
        Assert.NotEqual(reference, losses);

        // From ln 23 = 3.1 to below 1; the runs stay within a tenth of a nat of each other at the end.
        Assert.InRange(reference[^5..].Average(), 0, 1);
        Assert.Equal(reference[^5..].Average(), losses[^5..].Average(), 0.1);

        static double[] Losses(OptimizerStates states, LatentWeights latent)
        {
            using LlamaModel student = WideRun.Student();
            return TrainerTests.Losses(student, WideRun.Options(null, states, latent) with { Epochs = 12, LossWeights = new() { LambdaKd = 0, LambdaReasoning = 0 } });
        }
    }

    [Fact]
    public void A_learner_holds_the_quantized_layers_in_bfloat16_and_gives_the_same_values_back_in_float32()
    {
        using LlamaModel model = WideRun.Student();
        string[] names = [.. model.named_parameters().Select(entry => entry.name)];
        Dictionary<string, float[]> held;
        using (Learner learner = new(model, WideRun.Options(null, OptimizerStates.Float32, LatentWeights.Bfloat16)))
        {
            Assert.All(model.named_parameters(), entry => Assert.Equal(entry.name.Contains("norm", StringComparison.Ordinal) ? ScalarType.Float32 : ScalarType.BFloat16, entry.parameter.dtype));
            Assert.All(model.QuantizableLayers, entry => Assert.Contains(learner.Parameters.Weights, weight => ReferenceEquals(weight.Value, entry.Layer.Weight)));
            held = Values(model);
        }

        Assert.All(model.parameters(), parameter => Assert.Equal(ScalarType.Float32, parameter.dtype));
        Assert.Equal(names, model.named_parameters().Select(entry => entry.name));
        Assert.Equal(held, Values(model));
        Assert.All(model.parameters(), parameter => Assert.True(parameter.requires_grad));
    }

    [Fact]
    public void Gradients_accumulate_in_float32_and_are_those_of_a_float32_weight_of_the_same_values()
    {
        TrainerOptions options = WideRun.Options(null, OptimizerStates.Float32, LatentWeights.Bfloat16) with { LossWeights = new() { LambdaKd = 0, LambdaReasoning = 0 } };
        using LlamaModel half = WideRun.Student(), whole = WideRun.Student();
        new Learner(whole, options).Dispose(); // Rounds its weights.
        using Learner learner = new(half, options), other = new(whole, options with { Training = options.Training with { LatentWeights = LatentWeights.Float32 } });
        using TokenBatch batch = TinyBatches.GetBatch(0, 0);
        Dictionary<string, float[]> ofHalf = Gradients(half, batch), ofWhole = Gradients(whole, batch);
        Assert.Equal(ofWhole, ofHalf);
        Assert.All(half.QuantizableLayers, entry => Assert.Equal(ScalarType.Float32, entry.Layer.Weight.grad!.dtype));
        Assert.Equal(other.MeasureGradients(), learner.MeasureGradients());
    }

    [Fact]
    public void The_codes_that_are_packed_are_those_of_the_last_forward_pass()
    {
        using LlamaModel teacher = TinyRun.Model(2), student = WideRun.Student();
        Dictionary<string, byte[]> during;
        using (Trainer trainer = new(student, new TinyBatches(), WideRun.Options(null, OptimizerStates.Int8, LatentWeights.Bfloat16), teacher))
        {
            trainer.Run(TestContext.Current.CancellationToken);
            using DisposeScope scope = NewDisposeScope();
            using IDisposable guard = no_grad();
            during = student.QuantizableLayers.ToDictionary(entry => entry.Name, entry => entry.Layer.EffectiveWeight().bytes.ToArray());
            AssertPacked();
        }

        AssertPacked();

        void AssertPacked() => Assert.All(ModelQuantizer.Convert(student.QuantizableLayers), entry =>
        {
            using Tensor dequantized = entry.Value.Dequantize();
            Assert.Equal(during[entry.Key], dequantized.bytes.ToArray());
        });
    }

    [Fact]
    public void A_layer_without_a_quantizer_keeps_float32()
    {
        using LlamaModel model = TinyRun.Model();
        using Learner learner = new(model, WideRun.Options(null, OptimizerStates.Float32, LatentWeights.Bfloat16));
        Assert.All(model.parameters(), parameter => Assert.Equal(ScalarType.Float32, parameter.dtype));
    }

    [Fact]
    public void Passes_leave_no_tensor_behind()
    {
        using LlamaModel model = WideRun.Student();
        using Learner learner = new(model, WideRun.Options(null, OptimizerStates.Int8, LatentWeights.Bfloat16));
        using TokenBatch batch = TinyBatches.GetBatch(0, 0);
        Step();
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Step();
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);

        void Step()
        {
            Gradients(model, batch);
            learner.MeasureGradients();
            learner.Update(1);
            learner.Optimizer.ClearGradients();
        }
    }

    private static Dictionary<string, float[]> Gradients(LlamaModel model, TokenBatch batch)
    {
        using DisposeScope scope = NewDisposeScope();
        for (int pass = 0; pass < 2; pass++)
            nn.functional.cross_entropy(model.Logits(model.HiddenStates(batch.Inputs)).reshape(-1, TinyRun.Vocabulary), batch.Targets.reshape(-1)).backward();
        return model.named_parameters().ToDictionary(entry => entry.name, entry => Floats(entry.parameter.grad!));
    }

    private static Dictionary<string, float[]> Values(LlamaModel model) => model.named_parameters().ToDictionary(entry => entry.name, entry => Floats(entry.parameter.detach()));

    private static float[] Floats(Tensor tensor) => AdamWSample.Values(tensor);
}
