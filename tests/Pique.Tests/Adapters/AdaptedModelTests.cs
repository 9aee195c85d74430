using Pique.Adapters;
using Pique.Configuration;
using Pique.Formats;
using Pique.Models;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Tests.Quantization;
using Pique.Tests.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Adapters;

public class AdaptedModelTests
{
    private static readonly string[] Projections = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

    [Theory]
    [InlineData(FrozenStorage.Bfloat16)]
    [InlineData(FrozenStorage.Int8)]
    public void A_new_adapter_leaves_the_quantized_model_as_it_is_bit_for_bit(FrozenStorage storage)
    {
        using AdaptedTinyRun run = new(AdaptedTinyRun.Recipe(storage));
        using LlamaModel plain = Plain(run.Model);
        ModelQuantizer.Prepare(plain.QuantizableLayers, name => name == "model.embed_tokens" ? AdaptedTinyRun.EmbeddingSpec : AdaptedTinyRun.Spec, ScaleMethod.MinimumError);

        Assert.Equal(QuantizationCases.Bits(Logits(plain)), QuantizationCases.Bits(run.Logits()));
        IReadOnlyDictionary<string, QuantizedTensor> expected = ModelQuantizer.Convert(plain.QuantizableLayers), merged = run.Adapted.Merge();
        Assert.Equal(expected.Keys.Order(), merged.Keys.Order());
        Assert.All(expected.Where(entry => storage != FrozenStorage.Int8 || entry.Key != "model.embed_tokens"), entry => AssertSame(entry.Value, merged[entry.Key]));
    }

    [Fact]
    public void What_is_merged_is_what_the_model_computes_with_bit_for_bit()
    {
        using AdaptedTinyRun run = new();
        int[] before = QuantizationCases.Bits(run.Adapted.Merge()["model.layers.0.self_attn.q_proj"].DequantizeToArray());
        run.Disturb();

        IReadOnlyDictionary<string, QuantizedTensor> merged = run.Adapted.Merge();

        Assert.NotEqual(before, QuantizationCases.Bits(merged["model.layers.0.self_attn.q_proj"].DequantizeToArray()));
        using LlamaModel shipped = new(run.Model.Config);
        using IDisposable noGradient = no_grad();
        foreach ((string name, IQuantizableLayer layer) in shipped.QuantizableLayers)
        {
            using DisposeScope scope = NewDisposeScope();
            layer.Weight.copy_(merged[name].Dequantize());
        }

        // The norms are those of a new model in both.
        Assert.Equal(QuantizationCases.Bits(Logits(shipped)), QuantizationCases.Bits(run.Logits()));
        using (ModelQuantizer.HoldWeights(run.Model.QuantizableLayers))
            Assert.Equal(QuantizationCases.Bits(Logits(shipped)), QuantizationCases.Bits(run.Logits()));
    }

    [Theory]
    [InlineData(FrozenStorage.Bfloat16)]
    [InlineData(FrozenStorage.Int8)]
    public void The_teacher_is_the_frozen_model_and_keeps_its_digest(FrozenStorage storage)
    {
        using AdaptedTinyRun run = new(AdaptedTinyRun.Recipe(storage));
        run.Disturb();
        using LlamaModel plain = Plain(run.Model);
        using CausalLanguageModel teacher = run.Adapted.CreateTeacher();
        float[] student = run.Logits();

        Assert.Equal(QuantizationCases.Bits(Logits(plain)), QuantizationCases.Bits(Logits(teacher)));
        Assert.Equal(student, run.Logits());
        Assert.NotEqual(student, Logits(teacher));
        Assert.Equal(ModelDigest.Compute(plain), ModelDigest.Compute(teacher));
        Assert.Equal(ModelDigest.Compute(plain), ModelDigest.Compute(run.Model));
        Assert.Equal((plain.VocabularySize, plain.ContextTokens), (teacher.VocabularySize, teacher.ContextTokens));
    }

    [Fact]
    public void No_matrix_is_held_in_float32_and_nothing_frozen_takes_a_gradient()
    {
        using AdaptedTinyRun run = new();
        run.Model.GradientCheckpointing = true;
        Backward(run.Model);
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        Backward(run.Model);

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        Assert.All(run.Model.named_parameters().Where(entry => entry.parameter.dim() == 2), entry => Assert.Equal(DeviceType.META, entry.parameter.device_type));
        Assert.All(run.Model.parameters(), parameter => Assert.False(parameter.requires_grad));
        Assert.All(run.Model.parameters(), parameter => Assert.Null(parameter.grad));
        Assert.All(run.Model.QuantizableLayers, entry => Assert.Equal(2 * entry.Layer.Weight.numel(), entry.Layer.Frozen!.Base.StoredBytes));
    }

    [Fact]
    public void Gradients_with_checkpointed_blocks_are_those_without_bit_for_bit()
    {
        int[][][] gradients = [.. new[] { false, true }.Select(checkpointed =>
        {
            using AdaptedTinyRun run = new();
            run.Disturb();
            run.Model.GradientCheckpointing = checkpointed;
            Backward(run.Model);
            return run.Adapted.Adapters.SelectMany(entry => entry.Adapter.Trained)
                .Concat(run.Model.QuantizableLayers.Where(entry => entry.Layer.WeightQuantizer is not null).Select(entry => (Tensor)entry.Layer.WeightQuantizer!.LearnedParameter!))
                .Select(trained => QuantizationCases.Bits(trained.grad!.contiguous())).ToArray();
        })];

        Assert.Equal(3 * 14, gradients[0].Length);
        Assert.Equal(gradients[0], gradients[1]);
    }

    [Fact]
    public void Equal_seeds_give_equal_adapters_and_every_layer_its_own()
    {
        using LlamaModel model = Frozen();
        float[][] first = Draw(7), again = Draw(7), other = Draw(8);

        Assert.Equal(first, again);
        Assert.NotEqual(first[0], other[0]);
        Assert.NotEqual(first[0][..16], first[3][..16]);
        double bound = 1 / Math.Sqrt(16);
        Assert.All(first[0], value => Assert.InRange(value, -bound, bound));
        Assert.True(first[0].Max() > 0.8 * bound && first[0].Min() < -0.8 * bound);

        float[][] Draw(long seed)
        {
            using AdaptedModel adapted = AdaptedModel.Attach(model, AdaptedTinyRun.Recipe(), seed);
            Assert.All(adapted.Adapters, entry => Assert.All(entry.Adapter.B.data<float>().ToArray(), value => Assert.Equal(0, value)));
            return [.. adapted.Adapters.Select(entry => entry.Adapter.A.data<float>().ToArray())];
        }
    }

    [Fact]
    public void All_linear_layers_are_adapted_but_the_head_unless_it_is_named()
    {
        using LlamaModel model = Frozen(config => config with { TieWordEmbeddings = false });

        Assert.Equal(
            Enumerable.Range(0, 2).SelectMany(layer => Projections.Select(name => $"model.layers.{layer}.{(name[0] is 'g' or 'u' or 'd' ? "mlp" : "self_attn")}.{name}")),
            Names(new LoraTargets.AllLinear()));
        Assert.Equal(["model.layers.0.mlp.up_proj", "model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj", "lm_head"], Names(new LoraTargets.Named(["q_proj", "lm_head", "model.layers.0.mlp.up_proj"])).OrderBy(name => name == "lm_head").ThenBy(name => name));
        Assert.All(model.QuantizableLayers, entry => Assert.Null(entry.Layer.Frozen!.Adapter));

        string[] Names(LoraTargets targets)
        {
            using AdaptedModel adapted = AdaptedModel.Attach(model, AdaptedTinyRun.Recipe() with { TargetModules = targets }, 1);
            return [.. adapted.Adapters.Select(entry => entry.Name)];
        }
    }

    [Fact]
    public void Names_of_no_linear_layer_are_refused_together()
    {
        using LlamaModel model = Frozen();
        Assert.Equal(
            "lora.target_modules: found \"qproj\", \"embed_tokens\", \"lm_head\", expected linear layers of the model, by their whole names or as q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj; write \"q_proj\", or remove it.",
            Refusal(model, AdaptedTinyRun.Recipe() with { TargetModules = new LoraTargets.Named(["qproj", "v_proj", "embed_tokens", "lm_head"]) }));
    }

    [Fact]
    public void A_rank_above_the_smaller_side_of_a_weight_is_refused_and_only_auto_falls_back()
    {
        using LlamaModel model = Frozen();
        const string Refused = "the smaller side of model.layers.0.self_attn.k_proj [8, 16]; set it to 8 or less, or leave that layer out of lora.target_modules.";
        Assert.Equal($"lora.rank: found 16, expected at most 8, {Refused}", Refusal(model, AdaptedTinyRun.Recipe() with { Rank = new LoraRank.Fixed(16) }));
        Assert.Equal($"lora.rank: found 9, expected at most 8, {Refused}", Refusal(model, AdaptedTinyRun.Recipe() with { Rank = new LoraRank.Fixed(9) }));

        using (AdaptedModel auto = AdaptedModel.Attach(model, AdaptedTinyRun.Recipe() with { Rank = new LoraRank.Auto() }, 1))
            Assert.Equal((8, 8f, 8), (auto.Rank, auto.Alpha, auto.Adapters[0].Adapter.Rank));
        using (AdaptedModel wide = AdaptedModel.Attach(model, AdaptedTinyRun.Recipe() with { Rank = new LoraRank.Auto(), TargetModules = new LoraTargets.Named(["q_proj"]) }, 1))
            Assert.Equal(16, wide.Rank);

        using LlamaModel narrow = Frozen(config => config with { KeyValueHeadCount = 1, HeadSize = 2 });
        Assert.Equal(
            "lora.rank: found \"auto\", which is 4 at the least, expected at most 2, the smaller side of model.layers.0.self_attn.k_proj [2, 16]; set it to 2 or less, or leave that layer out of lora.target_modules.",
            Refusal(narrow, AdaptedTinyRun.Recipe() with { Rank = new LoraRank.Auto() }));
    }

    [Fact]
    public void A_model_that_is_not_frozen_takes_no_adapter_and_has_no_base_to_go_back_to()
    {
        using LlamaModel model = TinyRun.Model();
        ArgumentException error = Assert.Throws<ArgumentException>(() => AdaptedModel.Attach(model, AdaptedTinyRun.Recipe(), 1));
        Assert.Equal("model.layers.0.self_attn.q_proj: its weight is not frozen; load or copy the model frozen. (Parameter 'model')", error.Message);
        error = Assert.Throws<ArgumentException>(() => new BaseTeacher(model));
        Assert.Equal("model.embed_tokens: its weight is trained itself, so there is nothing to go back to. (Parameter 'model')", error.Message);
    }

    private static string Refusal(LlamaModel model, LoraRecipe recipe) => Assert.Throws<InputException>(() => AdaptedModel.Attach(model, recipe, 1)).Message;

    private static LlamaModel Frozen(Func<LlamaConfig, LlamaConfig>? change = null)
    {
        using LlamaModel tiny = TinyRun.Model();
        using LlamaModel source = new(change is null ? tiny.Config : change(tiny.Config));
        LlamaInitializer.Initialize(source, 1);
        return FrozenLlama.Of(source, FrozenStorage.Bfloat16);
    }

    /// <summary>The frozen weights as an ordinary model.</summary>
    private static LlamaModel Plain(LlamaModel frozen)
    {
        LlamaModel plain = new(frozen.Config);
        using IDisposable noGradient = no_grad();
        foreach (((_, IQuantizableLayer from), (_, IQuantizableLayer to)) in frozen.QuantizableLayers.Zip(plain.QuantizableLayers))
        {
            using DisposeScope scope = NewDisposeScope();
            to.Weight.copy_(from.Frozen!.Base.Materialize());
        }

        return plain;
    }

    private static float[] Logits(CausalLanguageModel model)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        return model.forward(TinyBatches.GetBatch(0, 0).Inputs).data<float>().ToArray();
    }

    private static void Backward(LlamaModel model)
    {
        using DisposeScope scope = NewDisposeScope();
        model.forward(TinyBatches.GetBatch(0, 0).Inputs).Squared().mean().backward();
    }

    private static void AssertSame(QuantizedTensor expected, QuantizedTensor actual)
    {
        Assert.True(expected.PackedCodes.Span.SequenceEqual(actual.PackedCodes.Span));
        Assert.True(expected.Scales.Span.SequenceEqual(actual.Scales.Span));
    }
}
