using System.Text.Json;
using Pique.Configuration;
using Pique.Formats;
using Pique.Formats.HuggingFace;
using Pique.Formats.Safetensors;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Tests.Models.Families;

namespace Pique.Tests.Formats.HuggingFace;

/// <summary>Folders of every family, written and read back.</summary>
public sealed class FamilyFolderTests : IDisposable
{
    private static readonly TinyLlama.Tokenizer Tokenizer = new();

    private readonly TemporaryFolder _temporary = new();

    private string Folder => _temporary.File("model");

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [MemberData(nameof(FamilyModels.Names), MemberType = typeof(FamilyModels))]
    public void Full_precision_comes_back_bit_for_bit_from_one_file_and_from_shards(string name)
    {
        using LlamaModel model = FamilyModels.Create(name);
        HuggingFaceWriter.Save(Folder, model, Tokenizer, [], SafetensorsDtype.F32);

        AssertSame(model, ModelFormat.HuggingFace);
        Divide(shardCount: 3);
        AssertSame(model, ModelFormat.HuggingFace);
    }

    [Theory]
    [MemberData(nameof(FamilyModels.Names), MemberType = typeof(FamilyModels))]
    public void Packed_weights_come_back_with_biases_and_norms_in_full_precision(string name)
    {
        using LlamaModel model = FamilyModels.Create(name);
        IReadOnlyDictionary<string, QuantizedTensor> packed = ModelQuantizer.RoundToNearest(
            model.QuantizableLayers, _ => new WeightQuantizationSpec(3, new QuantGranularity.PerChannel(), new SteVariant.Standard()), ScaleMethod.AbsMax);

        HuggingFaceWriter.SavePacked(Folder, model, packed, Tokenizer, []);

        (LlamaModel loaded, ModelFormat format, IReadOnlyDictionary<string, QuantizedTensor> read) = ModelLoader.LoadWeights(Folder);
        using (loaded)
        {
            Assert.Equal(ModelFormat.Packed, format);
            Assert.Equal(model.Config, loaded.Config);
            Assert.Equal(packed.Keys.Order(), read.Keys.Order());
            Dictionary<string, float[]> original = TinyLlama.Values(model);
            Assert.All(TinyLlama.Values(loaded), entry => Assert.Equal(
                entry.Key.EndsWith(".weight", StringComparison.Ordinal) && packed.TryGetValue(entry.Key[..^".weight".Length], out QuantizedTensor? tensor)
                    ? tensor.DequantizeToArray()
                    : original[entry.Key],
                entry.Value));
        }
    }

    [Theory]
    [InlineData("mistral-window", """
        {"architectures":["MistralForCausalLM"],"bos_token_id":1,"eos_token_id":null,"head_dim":16,"hidden_act":"silu","hidden_size":64,
        "intermediate_size":160,"max_position_embeddings":64,"model_type":"mistral","num_attention_heads":4,"num_hidden_layers":2,
        "num_key_value_heads":2,"rms_norm_eps":1E-05,"rope_scaling":null,"rope_theta":10000,"sliding_window":12,
        "tie_word_embeddings":false,"torch_dtype":"bfloat16","vocab_size":288}
        """)]
    [InlineData("qwen2-tied", """
        {"architectures":["Qwen2ForCausalLM"],"bos_token_id":1,"eos_token_id":null,"hidden_act":"silu","hidden_size":64,
        "intermediate_size":160,"max_position_embeddings":64,"max_window_layers":2,"model_type":"qwen2","num_attention_heads":4,
        "num_hidden_layers":2,"num_key_value_heads":2,"rms_norm_eps":1E-06,"rope_scaling":null,"rope_theta":1000000,
        "sliding_window":null,"tie_word_embeddings":true,"torch_dtype":"bfloat16","use_sliding_window":false,"vocab_size":288}
        """)]
    [InlineData("qwen2-late-window", """
        {"architectures":["Qwen2ForCausalLM"],"bos_token_id":1,"eos_token_id":null,"hidden_act":"silu","hidden_size":64,
        "intermediate_size":160,"max_position_embeddings":64,"max_window_layers":1,"model_type":"qwen2","num_attention_heads":4,
        "num_hidden_layers":2,"num_key_value_heads":2,"rms_norm_eps":1E-05,"rope_scaling":null,"rope_theta":10000,
        "sliding_window":10,"tie_word_embeddings":true,"torch_dtype":"bfloat16","use_sliding_window":true,"vocab_size":288}
        """)]
    [InlineData("qwen3-attention-bias", """
        {"architectures":["Qwen3ForCausalLM"],"attention_bias":true,"bos_token_id":1,"eos_token_id":null,"head_dim":8,"hidden_act":"silu",
        "hidden_size":64,"intermediate_size":160,"max_position_embeddings":64,"max_window_layers":2,"model_type":"qwen3",
        "num_attention_heads":4,"num_hidden_layers":2,"num_key_value_heads":2,"rms_norm_eps":1E-05,"rope_scaling":null,
        "rope_theta":10000,"sliding_window":null,"tie_word_embeddings":false,"torch_dtype":"bfloat16","use_sliding_window":false,"vocab_size":288}
        """)]
    [InlineData("llama-llama3-rope", """
        {"architectures":["LlamaForCausalLM"],"attention_bias":false,"bos_token_id":1,"eos_token_id":null,"head_dim":16,"hidden_act":"silu",
        "hidden_size":64,"intermediate_size":160,"max_position_embeddings":64,"mlp_bias":false,"model_type":"llama",
        "num_attention_heads":4,"num_hidden_layers":2,"num_key_value_heads":2,"rms_norm_eps":1E-05,
        "rope_scaling":{"factor":4.0,"high_freq_factor":4.0,"low_freq_factor":1.0,"original_max_position_embeddings":32,"rope_type":"llama3"},
        "rope_theta":500,"tie_word_embeddings":true,"torch_dtype":"bfloat16","vocab_size":288}
        """)]
    [InlineData("llama-linear-rope", """
        {"architectures":["LlamaForCausalLM"],"attention_bias":false,"bos_token_id":1,"eos_token_id":null,"head_dim":16,"hidden_act":"silu",
        "hidden_size":64,"intermediate_size":160,"max_position_embeddings":64,"mlp_bias":false,"model_type":"llama",
        "num_attention_heads":4,"num_hidden_layers":2,"num_key_value_heads":2,"rms_norm_eps":1E-05,
        "rope_scaling":{"factor":2.5,"rope_type":"linear"},"rope_theta":10000,"tie_word_embeddings":false,"torch_dtype":"bfloat16","vocab_size":288}
        """)]
    public void The_configuration_of_each_family_is_golden(string name, string expected)
    {
        using LlamaModel model = FamilyModels.Create(name);

        HuggingFaceWriter.Save(Folder, model, Tokenizer, []);

        using JsonDocument written = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "config.json")));
        Assert.Equal(expected.ReplaceLineEndings(""), JsonSerializer.Serialize(written));
    }

    [Fact]
    public void A_checkpoint_without_the_familys_biases_and_norms_is_refused_by_their_names()
    {
        using LlamaModel plain = FamilyModels.Create(FamilyModels.Config("qwen2-tied") with { Family = Pique.Models.Families.ModelFamily.Llama, LayerCount = 1 });
        HuggingFaceWriter.Save(Folder, plain, Tokenizer, []);
        string path = Path.Combine(Folder, "config.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("LlamaForCausalLM", "Qwen3ForCausalLM", StringComparison.Ordinal)
            .Replace("\"llama\"", "\"qwen3\"", StringComparison.Ordinal).Replace("\"attention_bias\": false", "\"attention_bias\": true", StringComparison.Ordinal));

        InputException failure = Assert.Throws<InputException>(() => ModelLoader.LoadWeights(Folder));

        const string Prefix = "model.layers.0.self_attn.";
        Assert.Equal(
            $"{Folder}: the weights do not fit the model's configuration: missing: {Prefix}q_proj.bias, {Prefix}k_proj.bias, {Prefix}v_proj.bias, "
            + $"{Prefix}q_norm.weight, {Prefix}k_norm.weight, {Prefix}o_proj.bias; use the config.json and the weights of one checkpoint",
            failure.Message);
    }

    private void AssertSame(LlamaModel model, ModelFormat expected)
    {
        (LlamaModel loaded, ModelFormat format, _) = ModelLoader.LoadWeights(Folder);
        using (loaded)
        {
            Assert.Equal(expected, format);
            Assert.Equal(model.Config, loaded.Config);
            Assert.Equal(ModelDigest.Compute(model), ModelDigest.Compute(loaded));
        }
    }

    /// <summary>Replaces model.safetensors by shards and their index, tensors dealt out in turn.</summary>
    private void Divide(int shardCount)
    {
        string single = Path.Combine(Folder, "model.safetensors");
        Dictionary<string, string> places = [];
        using (SafetensorsFile file = SafetensorsFile.Open(single))
        {
            for (int shard = 0; shard < shardCount; shard++)
            {
                string name = $"model-{shard + 1:D5}-of-{shardCount:D5}.safetensors";
                SafetensorsTensor[] held = [.. file.Tensors.Where((_, index) => index % shardCount == shard)];
                SafetensorsWriter.Write(Path.Combine(Folder, name), held.Select(tensor =>
                {
                    float[] values = new float[tensor.Shape.Aggregate(1L, (product, width) => product * width)];
                    file.ReadFloat32(tensor.Name, 0, values);
                    return SafetensorsEntry.FromBytes(tensor.Name, SafetensorsDtype.F32, [.. tensor.Shape], System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
                }));
                foreach (SafetensorsTensor tensor in held)
                    places.Add(tensor.Name, name);
            }
        }

        File.Delete(single);
        File.WriteAllText(single + ".index.json", JsonSerializer.Serialize(new { metadata = new { }, weight_map = places }));
    }
}
