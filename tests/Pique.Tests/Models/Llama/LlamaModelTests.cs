using Pique.Configuration;
using Pique.Models;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Llama;

public class LlamaModelTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Parameters_carry_the_names_and_shapes_of_the_checkpoint(bool tied)
    {
        using LlamaModel model = TinyLlama.Create(tied: tied);

        string[] shapes = [.. model.named_parameters().Select(entry => $"{entry.name} [{string.Join(", ", entry.parameter.shape)}]")];

        string[] expected =
        [
            "model.embed_tokens.weight [40, 24]",
            .. Block(0),
            .. Block(1),
            "model.norm.weight [24]",
        ];
        Assert.Equal(tied ? expected : [.. expected, "lm_head.weight [40, 24]"], shapes);

        static string[] Block(int layer) =>
        [
            $"model.layers.{layer}.self_attn.q_proj.weight [32, 24]",
            $"model.layers.{layer}.self_attn.k_proj.weight [16, 24]",
            $"model.layers.{layer}.self_attn.v_proj.weight [16, 24]",
            $"model.layers.{layer}.self_attn.o_proj.weight [24, 32]",
            $"model.layers.{layer}.mlp.gate_proj.weight [36, 24]",
            $"model.layers.{layer}.mlp.up_proj.weight [36, 24]",
            $"model.layers.{layer}.mlp.down_proj.weight [24, 36]",
            $"model.layers.{layer}.input_layernorm.weight [24]",
            $"model.layers.{layer}.post_attention_layernorm.weight [24]",
        ];
    }

    [Fact]
    public void Quantizable_layers_are_the_matrices_and_a_tied_head_is_not_listed_twice()
    {
        using LlamaModel tied = TinyLlama.Create(tied: true);
        using LlamaModel untied = TinyLlama.Create(tied: false);

        string[] matrices = [.. untied.named_parameters().Where(entry => entry.parameter.dim() == 2).Select(entry => entry.name)];
        Assert.Equal(matrices, untied.QuantizableLayers.Select(entry => entry.Name + ".weight"));
        Assert.Equal(matrices[..^1], tied.QuantizableLayers.Select(entry => entry.Name + ".weight"));
        Assert.All(untied.QuantizableLayers, entry => Assert.Same(entry.Layer.Weight, untied.get_parameter(entry.Name + ".weight")));
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(2, false)]
    [InlineData(4, true)]
    public void Logits_equal_the_formulas_written_out_in_double_precision(int keyValueHeads, bool tied)
    {
        using DisposeScope scope = NewDisposeScope();
        using LlamaModel model = TinyLlama.Create(keyValueHeads, tied);
        Tensor tokens = TinyLlama.Tokens(2, 13);

        Tensor logits = model.forward(tokens);

        Assert.Equal([2, 13, 40], logits.shape);
        LlamaReference reference = new(model);
        for (int row = 0; row < 2; row++)
        {
            double[][] expected = reference.Logits(tokens[row].data<long>().ToArray());
            for (int token = 0; token < 13; token++)
            {
                for (int id = 0; id < 40; id++)
                    Assert.Equal(expected[token][id], logits[row, token, id].ToDouble(), tolerance: 1e-4);
            }
        }
    }

    [Fact]
    public void Gradients_agree_with_finite_differences()
    {
        using DisposeScope scope = NewDisposeScope();
        using LlamaModel model = TinyLlama.Create();
        Tensor tokens = TinyLlama.Tokens(2, 9);
        Loss().backward();

        foreach ((string name, TorchSharp.Modules.Parameter parameter) in model.named_parameters())
        {
            using IDisposable noGradients = no_grad();
            Tensor start = parameter.clone();
            Tensor direction = parameter.grad!.div(parameter.grad!.norm());
            const double Step = 1e-2;
            double slope = (8 * (LossAt(Step) - LossAt(-Step)) - (LossAt(2 * Step) - LossAt(-2 * Step))) / (12 * Step);
            parameter.copy_(start);
            double norm = parameter.grad!.norm().ToDouble();
            Assert.True(Math.Abs(slope - norm) <= 0.01 * norm, $"{name}: finite difference {slope}, gradient {norm}");

            double LossAt(double distance)
            {
                parameter.copy_(start + direction * distance);
                return Loss().ToDouble();
            }
        }

        // Summed in float64: the differences would drown in float32's rounding.
        Tensor Loss() => model.forward(tokens).to(ScalarType.Float64).Squared().sin().mean();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(4)]
    public void Decoding_with_a_cache_equals_the_whole_pass(int keyValueHeads)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradients = no_grad();
        using LlamaModel model = TinyLlama.Create(keyValueHeads);
        Tensor tokens = TinyLlama.Tokens(3, 45);
        Tensor whole = model.forward(tokens);
        using KeyValueCache cache = new();

        // A prompt, a chunk of several tokens, then one by one beyond the first buffers.
        int seen = 0;
        foreach (int step in new[] { 6, 5 }.Concat(Enumerable.Repeat(1, 34)))
        {
            Tensor part = model.Logits(model.HiddenStates(tokens.narrow(1, seen, step), cache));
            Assert.True(TinyLlama.LargestDifference(part, whole.narrow(1, seen, step)) <= 1e-4, $"tokens {seen} to {seen + step}");
            seen += step;
        }

        Assert.Equal(45, cache.TokenCount);
        Assert.Equal(64, cache.CapacityTokens);
    }

    [Fact]
    public void Left_padding_changes_no_logit()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradients = no_grad();
        using LlamaModel model = TinyLlama.Create();
        Tensor tokens = TinyLlama.Tokens(3, 20);
        int[] padding = [0, 7, 12];
        using KeyValueCache cache = new(padding);

        Tensor prompt = model.Logits(model.HiddenStates(tokens.narrow(1, 0, 15), cache));
        Tensor chunk = model.Logits(model.HiddenStates(tokens.narrow(1, 15, 4), cache));
        Tensor last = model.Logits(model.HiddenStates(tokens.narrow(1, 19, 1), cache));
        Tensor padded = cat([prompt, chunk, last], 1);

        for (int row = 0; row < 3; row++)
        {
            Tensor alone = model.forward(tokens.narrow(0, row, 1).narrow(1, padding[row], 20 - padding[row]));
            Tensor together = padded.narrow(0, row, 1).narrow(1, padding[row], 20 - padding[row]);
            Assert.True(TinyLlama.LargestDifference(alone, together) <= 1e-4, $"row {row}");
        }
    }

    [Fact]
    public void A_pass_leaves_exactly_its_result_alive()
    {
        using LlamaModel model = TinyLlama.Create();
        using Tensor tokens = TinyLlama.Tokens(2, 9);
        model.forward(tokens).Dispose(); // makes the rotary tables

        long before = Live();
        using Tensor logits = model.forward(tokens);
        long afterTraining = Live();
        using IDisposable noGradients = no_grad();
        using Tensor plain = model.forward(tokens);
        long afterInference = Live();

        Assert.Equal(before + 1, afterTraining);
        Assert.Equal(before + 2, afterInference);

        static long Live() => DisposeScopeManager.Statistics.ThreadTotalLiveCount;
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public void A_backward_pass_holds_no_tensor_of_a_layer_that_it_has_passed(bool quantized, bool checkpointing)
    {
        int[] held = [.. new[] { 2, 5 }.Select(layerCount =>
        {
            using LlamaModel model = TinyLlama.Create(TinyLlama.Config() with { LayerCount = layerCount });
            model.GradientCheckpointing = checkpointing;
            if (quantized)
                ModelQuantizer.Prepare(model.QuantizableLayers, _ => new WeightQuantizationSpec(3, new QuantGranularity.PerChannel(), new SteVariant.Standard()), ScaleMethod.AbsMax);
            using DisposeScope scope = NewDisposeScope();
            Tensor loss = model.forward(TinyLlama.Tokens(2, 9)).Squared().mean();
            long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
            BackwardPass.Run(loss);
            return (int)(DisposeScopeManager.Statistics.ThreadTotalLiveCount - before);
        })];
        Assert.Equal(held[0], held[1]);
    }

    [Fact]
    public void An_impossible_shape_is_refused_with_every_fault()
    {
        LlamaConfig config = TinyLlama.Config() with { HeadCount = 3, HeadSize = 7, LayerCount = 0, RmsNormEpsilon = float.NaN };

        InputException error = Assert.Throws<InputException>(() => new LlamaModel(config));

        Assert.Equal(
            "llama configuration: num_hidden_layers is 0, expected at least 1; num_attention_heads is 3, no multiple of num_key_value_heads 2; "
            + "head_dim is 7; rotary positions need an even one; rms_norm_eps is NaN, expected a finite number above 0. Correct these values.",
            error.Message);
    }
}
