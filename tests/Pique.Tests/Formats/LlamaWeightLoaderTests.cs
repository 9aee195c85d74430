using Pique.Formats;
using Pique.Models.Families;
using Pique.Models.Llama;
using Pique.Tests.Models.Families;

namespace Pique.Tests.Formats;

public sealed class LlamaWeightLoaderTests
{
    [Fact]
    public void Every_parameter_gets_its_weight()
    {
        using LlamaModel original = TinyLlama.Create(TinyLlama.Untied);
        using MemoryWeights source = new(original);

        using LlamaModel loaded = LlamaWeightLoader.Load(source, TinyLlama.Untied);

        Assert.Equal(TinyLlama.Values(original), TinyLlama.Values(loaded));
        Assert.Equal(ModelDigest.Compute(original), ModelDigest.Compute(loaded));
    }

    [Fact]
    public void The_names_and_shapes_are_those_of_the_model()
    {
        foreach (LlamaConfig config in (LlamaConfig[])[TinyLlama.Tied, TinyLlama.Untied, TinyLlama.Untied with { HeadSize = 6 }, .. FamilyModels.All.Concat(FamilyModels.BeyondGguf).Select(variant => variant.Config)])
        {
            using LlamaModel model = new(config);
            Assert.Equal(
                model.named_parameters().Select(entry => $"{entry.name} {string.Join(",", entry.parameter.shape)}").Order(StringComparer.Ordinal),
                LlamaWeightShapes.Of(config).Select(weight => $"{weight.Name} {string.Join(",", weight.Shape)}").Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void Weights_are_in_the_order_of_the_network_biases_right_after_their_matrices()
    {
        LlamaConfig config = TinyLlama.Tied with { Family = ModelFamily.Qwen3, AttentionBias = true, HeadSize = 6, LayerCount = 1 };

        Assert.Equal(
            [
                "model.embed_tokens.weight [24, 16]",
                "model.layers.0.input_layernorm.weight [16]",
                "model.layers.0.self_attn.q_proj.weight [24, 16]",
                "model.layers.0.self_attn.q_proj.bias [24]",
                "model.layers.0.self_attn.k_proj.weight [12, 16]",
                "model.layers.0.self_attn.k_proj.bias [12]",
                "model.layers.0.self_attn.v_proj.weight [12, 16]",
                "model.layers.0.self_attn.v_proj.bias [12]",
                "model.layers.0.self_attn.q_norm.weight [6]",
                "model.layers.0.self_attn.k_norm.weight [6]",
                "model.layers.0.self_attn.o_proj.weight [16, 24]",
                "model.layers.0.self_attn.o_proj.bias [16]",
                "model.layers.0.post_attention_layernorm.weight [16]",
                "model.layers.0.mlp.gate_proj.weight [20, 16]",
                "model.layers.0.mlp.up_proj.weight [20, 16]",
                "model.layers.0.mlp.down_proj.weight [16, 20]",
                "model.norm.weight [16]",
            ],
            LlamaWeightShapes.Of(config).Select(weight => $"{weight.Name} {Shapes.Format(weight.Shape)}"));
    }

    [Fact]
    public void A_tied_matrix_is_found_under_either_name()
    {
        using LlamaModel original = TinyLlama.Create(TinyLlama.Tied);
        using MemoryWeights source = new(original);
        source.Rename("model.embed_tokens.weight", "lm_head.weight");

        using LlamaModel loaded = LlamaWeightLoader.Load(source, TinyLlama.Tied);

        Assert.Equal(ModelDigest.Compute(original), ModelDigest.Compute(loaded));
    }

    [Fact]
    public void A_tied_matrix_may_be_stored_twice_if_both_agree()
    {
        using LlamaModel original = TinyLlama.Create(TinyLlama.Tied);
        using MemoryWeights source = new(original);
        source.Weights["lm_head.weight"] = source.Weights["model.embed_tokens.weight"];
        LlamaWeightLoader.Load(source, TinyLlama.Tied).Dispose();

        float[] other = [.. source.Weights["lm_head.weight"].Values];
        other[^1] += 1;
        source.Weights["lm_head.weight"] = ([24, 16], other);
        Assert.Equal(
            "memory: tie_word_embeddings is true, but lm_head.weight and model.embed_tokens.weight hold different values; set tie_word_embeddings to false if the checkpoint's head is its own",
            Refusal(source, TinyLlama.Tied));
    }

    [Fact]
    public void Missing_unexpected_and_misshapen_tensors_are_listed_at_once()
    {
        using LlamaModel original = TinyLlama.Create(TinyLlama.Untied);
        using MemoryWeights source = new(original);
        source.Rename("model.norm.weight", "model.final.weight");
        source.Rename("lm_head.weight", "head.weight");
        source.Weights["model.layers.1.mlp.up_proj.weight"] = ([16, 20], new float[320]);
        source.Weights["model.layers.0.self_attn.q_proj.bias"] = ([16], new float[16]);
        source.Weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = ([2], new float[2]);

        Assert.Equal(
            "memory: the weights do not fit the model's configuration: missing: model.norm.weight, lm_head.weight; "
            + "unexpected: head.weight, model.final.weight, model.layers.0.self_attn.q_proj.bias; "
            + "of another shape: model.layers.1.mlp.up_proj.weight is [16, 20], expected [20, 16]; use the config.json and the weights of one checkpoint",
            Refusal(source, TinyLlama.Untied));
    }

    [Fact]
    public void A_lying_configuration_is_refused_before_anything_is_allocated()
    {
        using LlamaModel original = TinyLlama.Create(TinyLlama.Untied);
        using MemoryWeights source = new(original);

        Assert.Equal(
            "memory: num_hidden_layers is 2147483647, the checkpoint's 21 tensors make up at most 2 layers; use the config.json and the weights of one checkpoint",
            Refusal(source, TinyLlama.Untied with { LayerCount = int.MaxValue }));
        Assert.Contains(
            "model.embed_tokens.weight is [24, 16], expected [2147483647, 2147483646]",
            Refusal(source, TinyLlama.Untied with { VocabularySize = int.MaxValue, HiddenSize = int.MaxValue - 1 }),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "Infinity")]
    [InlineData(float.NegativeInfinity, "-Infinity")]
    public void A_value_that_is_not_finite_is_refused(float value, string expected)
    {
        using LlamaModel original = TinyLlama.Create(TinyLlama.Untied);
        using MemoryWeights source = new(original);
        source.Weights["model.layers.1.mlp.up_proj.weight"].Values[(3 * 16) + 5] = value;
        source.Weights["model.layers.1.mlp.up_proj.weight"].Values[^1] = float.NaN;

        Assert.Equal(
            $"memory: tensor \"model.layers.1.mlp.up_proj.weight\" holds {expected} at [3, 5], expected finite weights; fetch or export the checkpoint again",
            Refusal(source, TinyLlama.Untied));
    }

    private static string Refusal(MemoryWeights source, LlamaConfig config) =>
        Assert.Throws<InputException>(() => LlamaWeightLoader.Load(source, config)).Message;

    private sealed class MemoryWeights : IWeightSource
    {
        public MemoryWeights(LlamaModel model)
        {
            Dictionary<string, float[]> values = TinyLlama.Values(model);
            Weights = model.named_parameters().ToDictionary(entry => entry.name, entry => (entry.parameter.shape, values[entry.name]));
        }

        public Dictionary<string, (long[] Shape, float[] Values)> Weights { get; }

        public string Path => "memory";

        public IReadOnlyDictionary<string, IReadOnlyList<long>> Shapes => Weights.ToDictionary(entry => entry.Key, entry => (IReadOnlyList<long>)entry.Value.Shape);

        public void Rename(string oldName, string newName)
        {
            Weights.Remove(oldName, out (long[], float[]) weight);
            Weights.Add(newName, weight);
        }

        public void Read(string name, long firstElement, Span<float> destination) =>
            Weights[name].Values.AsSpan((int)firstElement, destination.Length).CopyTo(destination);

        public void Dispose()
        {
        }
    }
}
