using Pique.Configuration;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Tests.Training;
using Pique.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Llama;

public sealed class CheckpointedBlockTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Loss_and_gradients_are_those_of_an_ordinary_pass_bit_for_bit(bool quantized)
    {
        using LlamaModel plain = Model(quantized), checkpointed = Model(quantized);
        checkpointed.GradientCheckpointing = true;
        // Twice, so that gradients are added to those that are there already.
        Assert.Equal(Backward(plain), Backward(checkpointed));
        Assert.Equal(Backward(plain), Backward(checkpointed));

        Dictionary<string, byte[]> expected = Gradients(plain), actual = Gradients(checkpointed);
        Assert.Equal(expected.Keys, actual.Keys);
        Assert.Equal(quantized ? 20 + 15 : 20, expected.Count(gradient => gradient.Value.Length > 0));
        Assert.All(expected, gradient => Assert.True(gradient.Value.SequenceEqual(actual[gradient.Key]), gradient.Key));
    }

    [Fact]
    public void Blocks_are_computed_again_in_the_backward_pass()
    {
        // What changes between the passes shows in the gradients, if and only if the backward pass looks again.
        byte[][] gradients = [.. new[] { false, true }.Select(checkpointing =>
        {
            using LlamaModel model = Model(quantized: true);
            model.GradientCheckpointing = checkpointing;
            using DisposeScope scope = NewDisposeScope();
            Tensor loss = Loss(model);
            SetStrength(model, 0);
            loss.backward();
            return Gradients(model)["model.layers.0.self_attn.q_proj.weight"];
        })];
        Assert.NotEqual(gradients[0], gradients[1]);
    }

    [Fact]
    public void Without_gradients_or_with_a_cache_nothing_is_different()
    {
        using LlamaModel plain = Model(quantized: false), checkpointed = Model(quantized: false);
        checkpointed.GradientCheckpointing = true;
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradients = no_grad();
        Tensor tokens = TinyBatches.GetBatch(0, 0).Inputs;
        Assert.Equal(plain.forward(tokens).data<float>().ToArray(), checkpointed.forward(tokens).data<float>().ToArray());
    }

    [Fact]
    public void A_pass_and_its_backward_leave_no_tensor_behind()
    {
        using LlamaModel model = Model(quantized: true);
        model.GradientCheckpointing = true;
        Backward(model);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Backward(model);
        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void A_run_with_checkpointing_ends_in_the_bytes_of_one_without()
    {
        using LlamaModel teacher = TinyRun.Model(2), plain = TrainerTests.Student(), checkpointed = TrainerTests.Student();
        TrainerOptions options = TrainerTests.QatOptions(null) with { FreezeTeacher = false };
        TrainerTests.Losses(plain, options, teacher);
        using LlamaModel again = TinyRun.Model(2);
        TrainerTests.Losses(checkpointed, options with { Training = options.Training with { GradientCheckpointing = true } }, again);
        TinyRun.AssertSameBytes(plain, checkpointed);
        TinyRun.AssertSameBytes(teacher, again);
        Assert.False(checkpointed.GradientCheckpointing);
    }

    private static LlamaModel Model(bool quantized)
    {
        LlamaModel model = TinyRun.Model();
        if (quantized)
        {
            ModelQuantizer.Prepare(
                model.QuantizableLayers,
                _ => new WeightQuantizationSpec(3, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize()) { OscillationDampening = 0.1f },
                ScaleMethod.AbsMax);
            SetStrength(model, 1);
        }

        return model;
    }

    private static void SetStrength(LlamaModel model, float strength)
    {
        foreach ((_, IQuantizableLayer layer) in model.QuantizableLayers)
            layer.WeightQuantizer!.Strength = strength;
    }

    private static Tensor Loss(LlamaModel model)
    {
        Tensor logits = model.forward(TinyBatches.GetBatch(0, 0).Inputs);
        return logits.Squared().mean();
    }

    private static float Backward(LlamaModel model)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor loss = Loss(model);
        loss.backward();
        return loss.item<float>();
    }

    private static Dictionary<string, byte[]> Gradients(LlamaModel model)
    {
        using DisposeScope scope = NewDisposeScope();
        TrainedParameters parameters = TrainedParameters.Of(model);
        return parameters.Weights.Concat(parameters.Quantization).ToDictionary(
            parameter => parameter.Name,
            parameter => parameter.Value.grad is { } gradient ? gradient.contiguous().bytes.ToArray() : []);
    }
}
