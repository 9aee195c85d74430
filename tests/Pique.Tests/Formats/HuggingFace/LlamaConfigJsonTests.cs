using Pique.Configuration;
using Pique.Formats.HuggingFace;
using Pique.Models.Llama;

namespace Pique.Tests.Formats.HuggingFace;

public sealed class LlamaConfigJsonTests : IDisposable
{
    private const string Good = """
        "architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_act":"silu","vocab_size":24,"hidden_size":16,
        "intermediate_size":20,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"max_position_embeddings":12
        """;

    private readonly TemporaryFolder _folder = new();

    private string ConfigPath => _folder.File("config.json");

    [Fact]
    public void What_is_absent_takes_the_defaults_of_transformers()
    {
        LlamaConfig config = Read($"{{{Good}}}");

        Assert.Equal(TinyLlama.Untied with { RmsNormEpsilon = 1e-6f }, config);
    }

    [Fact]
    public void All_fields_are_read()
    {
        LlamaConfig config = Read($$"""{{{Good}},"head_dim":6,"rms_norm_eps":1e-3,"rope_theta":500000,"tie_word_embeddings":true,"rope_scaling":null,"attention_bias":false,"mlp_bias":null,"some_future_key":[1]}""");

        Assert.Equal(TinyLlama.Tied with { HeadSize = 6, RmsNormEpsilon = 1e-3f, RopeTheta = 500000 }, config);
    }

    [Theory]
    [InlineData(""" "rope_parameters":{"rope_theta":250000.0,"rope_type":"default"} """)]
    [InlineData(""" "rope_parameters":{"rope_theta":250000.0} """)]
    [InlineData(""" "rope_theta":250000,"rope_scaling":{"type":"default"} """)]
    [InlineData(""" "rope_theta":250000,"rope_parameters":{"rope_theta":250000.0,"rope_type":"default"} """)]
    public void The_rotary_base_is_found_in_either_place(string rope) =>
        Assert.Equal(250000, Read($"{{{Good},{rope}}}").RopeTheta);

    [Fact]
    public void Key_value_heads_default_to_the_query_heads() =>
        Assert.Equal(4, Read($"{{{Good.Replace("\"num_key_value_heads\":2", "\"num_key_value_heads\":null", StringComparison.Ordinal)}}}").KeyValueHeadCount);

    [Theory]
    [InlineData(""" "rope_theta":10000,"rope_parameters":{"rope_theta":5000} """, "rope_parameters.rope_theta: found 5000, expected 10000 as at the top level; make the two agree.")]
    [InlineData(""" "rope_theta":-1 """, "rope_theta: found -1, expected a finite number above 0; use the config.json of the checkpoint.")]
    [InlineData(""" "rms_norm_eps":1e99 """, "rms_norm_eps: found 1e99, expected a finite number above 0; use the config.json of the checkpoint.")]
    [InlineData(""" "mlp_bias":true """, "mlp_bias: found true, expected false; Pique computes feed-forward layers without biases only.")]
    [InlineData(""" "tie_word_embeddings":"yes" """, "tie_word_embeddings: found \"yes\", expected true or false; use the config.json of the checkpoint.")]
    [InlineData(""" "head_dim":5 """, "head_dim: found 5, expected an even number, since rotary positions turn pairs; use the config.json of the checkpoint.")]
    public void What_Pique_does_not_compute_is_refused(string extra, string expected)
    {
        ConfigurationException failure = Refusal($"{{{Good},{extra}}}");

        Assert.Equal($"{ConfigPath}: {expected}", failure.Message);
    }

    [Theory]
    [InlineData("\"llama\"", "\"mistral\"", "model_type: found \"mistral\", expected \"llama\", since architectures names LlamaForCausalLM; use the config.json of the checkpoint.")]
    [InlineData("\"llama\"", "\"gpt2\"", "model_type: found \"gpt2\", expected one of llama (LlamaForCausalLM), mistral (MistralForCausalLM), qwen2 (Qwen2ForCausalLM), qwen3 (Qwen3ForCausalLM); Pique computes no other family.")]
    [InlineData("LlamaForCausalLM", "GPT2LMHeadModel", "architectures: found [\"GPT2LMHeadModel\"], expected one of llama (LlamaForCausalLM), mistral (MistralForCausalLM), qwen2 (Qwen2ForCausalLM), qwen3 (Qwen3ForCausalLM); Pique computes no other family.")]
    [InlineData("\"silu\"", "\"gelu\"", "hidden_act: found \"gelu\", expected \"silu\"; Pique computes no other activation.")]
    [InlineData("\"hidden_size\":16", "\"hidden_size\":18", "head_dim: found nothing, expected a number, since hidden_size 18 is no multiple of num_attention_heads 4; add it.")]
    [InlineData("\"num_key_value_heads\":2", "\"num_key_value_heads\":3", "num_key_value_heads: found 3, expected a divisor of num_attention_heads 4; use the config.json of the checkpoint.")]
    [InlineData("\"vocab_size\":24", "\"vocab_size\":24.5", "vocab_size: found 24.5, expected a whole number of at least 1; use the config.json of the checkpoint.")]
    [InlineData("\"vocab_size\":24", "\"vocab_size\":3000000000", "vocab_size: found 3000000000, expected a whole number of at least 1; use the config.json of the checkpoint.")]
    [InlineData("\"max_position_embeddings\":12", "\"max_position_embeddings\":2000000000", "max_position_embeddings: found 2000000000, expected a whole number from 1 to 16777216; use the config.json of the checkpoint.")]
    public void Impossible_values_are_refused(string good, string bad, string expected)
    {
        ConfigurationException failure = Refusal($"{{{Good.Replace(good, bad, StringComparison.Ordinal)}}}");

        Assert.Equal($"{ConfigPath}: {expected}", failure.Message);
    }

    [Theory]
    [InlineData(""" "model_type":"qwen3" """, "qwen3")]
    [InlineData(""" "architectures":["Qwen2ForCausalLM"] """, "qwen2")]
    [InlineData(""" "architectures":["MistralForCausalLM"],"model_type":"mistral","sliding_window":null """, "mistral")]
    public void The_family_is_named_in_either_of_two_places_or_both(string keys, string expected) =>
        Assert.Equal(expected, Read($"{{{Good.Replace("\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\"", keys, StringComparison.Ordinal)}}}").Family.ModelType);

    [Fact]
    public void A_file_that_names_no_family_is_refused() => Assert.Equal(
        $"{ConfigPath}: model_type: found nothing, expected one of llama (LlamaForCausalLM), mistral (MistralForCausalLM), qwen2 (Qwen2ForCausalLM), qwen3 (Qwen3ForCausalLM); Pique computes no other family.",
        Refusal($"{{{Good.Replace("\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\",", "", StringComparison.Ordinal)}}}").Message);

    [Theory]
    [InlineData("llama", true, true)]
    [InlineData("qwen3", true, true)]
    [InlineData("qwen3", false, false)]
    [InlineData("qwen2", true, false)] // fixed biases, whatever the key says, as in transformers
    [InlineData("qwen2", false, false)]
    public void Attention_biases_are_read_where_the_family_may_have_them(string modelType, bool stated, bool expected) =>
        Assert.Equal(expected, ConfigText.Read(ConfigText.Of(modelType, $"\"attention_bias\":{(stated ? "true" : "false")}")).AttentionBias);

    [Fact]
    public void A_mistral_with_attention_biases_is_refused() => Assert.Equal(
        ["attention_bias: found true, expected false; Pique computes mistral without biases, as transformers does."],
        ConfigText.Faults(ConfigText.Of("mistral", "\"attention_bias\":true")));

    [Theory]
    [InlineData("llama", 4)]
    [InlineData("mistral", 4)]
    [InlineData("qwen2", 4)]
    [InlineData("qwen3", 128)] // transformers' default
    public void The_width_of_a_head_defaults_as_in_transformers(string modelType, int expected) =>
        Assert.Equal(expected, ConfigText.Read(ConfigText.Of(modelType).Replace("\"head_dim\":4", "\"head_dim\":null", StringComparison.Ordinal)).HeadSize);

    [Fact]
    public void All_faults_are_named_at_once()
    {
        ConfigurationException failure = Refusal("""{"model_type":"llama","hidden_act":"relu","num_attention_heads":-1,"hidden_size":"wide"}""");

        Assert.Equal(
            ["hidden_act", "hidden_size", "num_attention_heads", "vocab_size", "intermediate_size", "num_hidden_layers", "max_position_embeddings"],
            failure.Faults.Select(fault => fault.Path));
    }

    [Theory]
    [InlineData("{", "is no valid JSON (")]
    [InlineData("""{"vocab_size":1,"vocab_size":2}""", "is no valid JSON (")]
    [InlineData("[]", "holds no JSON object; mend or fetch the file again")]
    public void A_file_that_is_no_strict_json_object_is_refused(string text, string expected)
    {
        File.WriteAllText(ConfigPath, text);

        InputException failure = Assert.Throws<InputException>(() => LlamaConfigJson.Read(ConfigPath));

        Assert.StartsWith($"{ConfigPath}: {expected}", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_real_configuration_is_read()
    {
        LlamaConfig config = LlamaConfigJson.Read(SharedData.PathOrSkip("models/TinyStories-656K/config.json"));

        Assert.Equal(
            new LlamaConfig
            {
                VocabularySize = 2048,
                HiddenSize = 128,
                IntermediateSize = 384,
                LayerCount = 2,
                HeadCount = 8,
                KeyValueHeadCount = 4,
                HeadSize = 16,
                ContextTokens = 512,
                RmsNormEpsilon = 1e-6f,
                TieWordEmbeddings = true,
            },
            config);
    }

    public void Dispose() => _folder.Dispose();

    private LlamaConfig Read(string json)
    {
        File.WriteAllText(ConfigPath, json);
        return LlamaConfigJson.Read(ConfigPath);
    }

    private ConfigurationException Refusal(string json) => Assert.Throws<ConfigurationException>(() => Read(json));
}
