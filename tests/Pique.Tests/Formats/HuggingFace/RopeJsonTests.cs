using Pique.Models.Families;
using Pique.Models.Llama;

namespace Pique.Tests.Formats.HuggingFace;

public class RopeJsonTests
{
    private const string Llama3 = """ "factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":8192 """;

    [Theory]
    [InlineData(""" "rope_scaling":{"rope_type":"linear","factor":2.5} """)]
    [InlineData(""" "rope_scaling":{"type":"linear","factor":2.5} """)]
    [InlineData(""" "rope_scaling":{"rope_type":"linear","type":"dynamic","factor":2.5} """)]
    [InlineData(""" "rope_parameters":{"rope_type":"linear","factor":2.5,"rope_theta":10000} """)]
    [InlineData(""" "rope_scaling":{"rope_type":"linear","factor":2.5},"rope_parameters":{"rope_type":"linear","factor":2.5,"rope_theta":10000},"rope_theta":10000 """)]
    public void Linear_scaling_is_found_in_either_place_and_form(string rope)
    {
        LlamaConfig config = ConfigText.Read(ConfigText.Of("qwen2", rope));

        Assert.Equal(new RopeScaling.Linear(2.5f), config.RopeScaling);
        Assert.Equal(10000, config.RopeTheta);
    }

    [Theory]
    [InlineData($$""" "rope_theta":500000,"rope_scaling":{"rope_type":"llama3",{{Llama3}}} """)]
    [InlineData($$""" "rope_scaling":{"type":"llama3",{{Llama3}},"rope_theta":500000} """)]
    [InlineData($$""" "rope_parameters":{"rope_type":"llama3",{{Llama3}},"rope_theta":500000} """)]
    public void Llama_3_scaling_is_found_in_either_place_and_form(string rope)
    {
        LlamaConfig config = ConfigText.Read(ConfigText.Of("llama", rope));

        Assert.Equal(new RopeScaling.Llama3(8f, 1f, 4f, 8192), config.RopeScaling);
        Assert.Equal(500000, config.RopeTheta);
    }

    [Theory]
    [InlineData(""" "rope_scaling":null,"rope_parameters":null """)]
    [InlineData(""" "rope_scaling":{"type":"default","factor":7} """)]
    [InlineData(""" "partial_rotary_factor":1.0 """)]
    public void No_scaling_is_none(string rope) => Assert.Null(ConfigText.Read(ConfigText.Of("qwen3", rope)).RopeScaling);

    [Theory]
    [InlineData(""" "rope_scaling":{"rope_type":"yarn","factor":4.0} """, "rope_scaling.rope_type: found \"yarn\", expected \"default\", \"linear\" or \"llama3\"; Pique computes no other rotary positions; choose another checkpoint.")]
    [InlineData(""" "rope_scaling":{"type":"dynamic","factor":4.0} """, "rope_scaling.type: found \"dynamic\", expected \"default\", \"linear\" or \"llama3\"; Pique computes no other rotary positions; choose another checkpoint.")]
    [InlineData(""" "rope_scaling":{"factor":2.0} """, "rope_scaling.rope_type: found nothing, expected \"default\", \"linear\" or \"llama3\"; Pique computes no other rotary positions; choose another checkpoint.")]
    [InlineData(""" "rope_scaling":{"rope_type":3} """, "rope_scaling.rope_type: found 3, expected \"default\", \"linear\" or \"llama3\"; Pique computes no other rotary positions; choose another checkpoint.")]
    [InlineData(""" "rope_scaling":"linear" """, "rope_scaling: found \"linear\", expected an object; use the config.json of the checkpoint.")]
    [InlineData(""" "rope_scaling":{"rope_type":"linear"} """, "rope_scaling.factor: found nothing, expected a finite number above 0; use the config.json of the checkpoint.")]
    [InlineData(""" "rope_scaling":{"rope_type":"linear","factor":0} """, "rope_scaling.factor: found 0, expected a finite number above 0; use the config.json of the checkpoint.")]
    [InlineData(""" "rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":4.0,"original_max_position_embeddings":8192} """, "rope_scaling.high_freq_factor: found 4.0, expected a number above low_freq_factor 4; use the config.json of the checkpoint.")]
    [InlineData(""" "partial_rotary_factor":0.5 """, "partial_rotary_factor: found 0.5, expected 1.0; Pique computes no other rotary positions; choose another checkpoint.")]
    [InlineData(""" "rope_parameters":{"rope_theta":1,"partial_rotary_factor":0.25} """, "rope_parameters.partial_rotary_factor: found 0.25, expected 1.0; Pique computes no other rotary positions; choose another checkpoint.")]
    [InlineData(""" "rope_scaling":{"rope_type":"linear","factor":2},"rope_parameters":{"rope_theta":10000} """, "rope_parameters: found {\"rope_theta\":10000}, expected what rope_scaling says, {\"rope_type\":\"linear\",\"factor\":2}; make the two agree.")]
    public void What_Pique_does_not_compute_is_refused(string rope, string expected) =>
        Assert.Equal([expected], ConfigText.Faults(ConfigText.Of("llama", rope)));

    [Fact]
    public void Every_missing_number_of_llama_3_scaling_is_named() => Assert.Equal(
        [
            "rope_scaling.factor: found nothing, expected a finite number above 0; use the config.json of the checkpoint.",
            "rope_scaling.low_freq_factor: found nothing, expected a finite number above 0; use the config.json of the checkpoint.",
            "rope_scaling.high_freq_factor: found nothing, expected a finite number above 0; use the config.json of the checkpoint.",
            "rope_scaling.original_max_position_embeddings: found nothing, expected a whole number of at least 1; use the config.json of the checkpoint.",
        ],
        ConfigText.Faults(ConfigText.Of("llama", """ "rope_scaling":{"rope_type":"llama3"} """)));
}
