using Pique.Configuration;

namespace Pique.Tests.Configuration;

public class LoraRecipeTests
{
    [Fact]
    public void Every_field_is_written_as_it_is_read()
    {
        string json = RecipeJson.Write(Read("""{"rank": "auto", "dropout": 0.05, "target_modules": ["q_proj", "v_proj"], "base": "int8"}"""));

        Assert.Contains(
            """
              "lora": {
                "rank": "auto",
                "alpha": 32.0,
                "dropout": 0.05,
                "target_modules": [
                  "q_proj",
                  "v_proj"
                ],
                "base": "int8"
              },

            """,
            json,
            StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_object_is_the_defaults() => Assert.Contains(
        """
          "lora": {
            "rank": 16,
            "alpha": 32.0,
            "dropout": 0.0,
            "target_modules": "all-linear",
            "base": "bfloat16"
          },

        """,
        RecipeJson.Write(Read("{}")),
        StringComparison.Ordinal);

    [Fact]
    public void All_faults_come_at_once() => Assert.Equal(
        [
            "lora.rank: found 0, expected 1 or more; set it to 1 or more.",
            "lora.alpha: found 0.0, expected a finite number greater than zero; set it to a value as 32.0.",
            "lora.dropout: found 1.0, expected 0.0 or more and less than 1.0; set it to a value within.",
            "lora.target_modules: found an empty name, expected names of linear layers, each once; remove it.",
            "lora.target_modules: found \"q_proj\" more than once, expected names of linear layers, each once; keep one of them.",
            "lora: found adapters beside qat.freeze_teacher false, expected a frozen teacher, which shares the frozen weights; set qat.freeze_teacher to true, or lora to null.",
        ],
        Faults("""{"rank": 0, "alpha": 0, "dropout": 1, "target_modules": ["q_proj", "", "q_proj"]}""", """ "qat": {"freeze_teacher": false}, """));

    [Theory]
    [InlineData("""{"rank": 16.5}""", "lora.rank: found 16.5, expected a whole number or \"auto\"; set it to 16, or to \"auto\" for the greatest of 16, 8, 4 that fits.")]
    [InlineData("""{"rank": "Auto"}""", "lora.rank: found the string \"Auto\", expected a whole number or \"auto\"; set it to 16, or to \"auto\" for the greatest of 16, 8, 4 that fits.")]
    [InlineData("""{"target_modules": "all_linear"}""", "lora.target_modules: found the string \"all_linear\", expected \"all-linear\" or a list of layer names; write \"all-linear\", or names as [\"q_proj\", \"v_proj\"].")]
    [InlineData("""{"target_modules": ["q_proj", 1]}""", "lora.target_modules: found a list, expected \"all-linear\" or a list of layer names; write \"all-linear\", or names as [\"q_proj\", \"v_proj\"].")]
    [InlineData("""{"target_modules": []}""", "lora.target_modules: found no name, expected names of linear layers, each once; add names as \"q_proj\", or write \"all-linear\".")]
    [InlineData("""{"base": "int4"}""", "lora.base: found the string \"int4\", expected one of \"bfloat16\", \"int8\"; write \"int8\".")]
    [InlineData("""{"lora_alpha": 16}""", "lora.lora_alpha: found the unknown field \"lora_alpha\", expected one of rank, alpha, dropout, target_modules, base; write alpha, or remove it.")]
    public void A_wrong_value_is_told_with_its_remedy(string lora, string expected) => Assert.Equal(expected, Assert.Single(Faults(lora)));

    [Fact]
    public void Products_with_frozen_weights_are_float32() => Assert.Equal(
        "lora: found adapters beside training.compute_type \"bfloat16\", expected float32 products, which are those of frozen weights; set training.compute_type to \"float32\" or \"auto\", or lora to null.",
        Assert.Single(Faults("{}", """ "training": {"compute_type": "bfloat16"}, """)));

    [Fact]
    public void Scales_and_bits_of_the_whole_model_do_not_go_with_adapters() => Assert.Equal(
        [
            "lora: found adapters beside calibration.artifact, expected scales found for the adapted layers alone; set calibration.artifact to null, or lora to null.",
            "lora: found adapters beside bits that are left to calibration, expected bits that are known before weights are frozen; state the bits of every override, or set lora to null.",
        ],
        Faults("{}", """ "calibration": {"artifact": "c.json"}, "overrides": [{"pattern": "*", "bits": "auto:3"}], """));

    [Fact]
    public void Calibration_that_reads_data_or_changes_weights_does_not_go_with_adapters() => Assert.Equal(
        [
            "lora: found adapters beside calibration.method \"gptq\", expected scales found from the frozen weights alone: second-order rounding changes weights; set calibration.method to \"mse\", whose scales gptq takes, or lora to null.",
            "lora: found adapters beside calibration.weighted true, expected scales found from the frozen weights alone; set calibration.weighted to false, or lora to null.",
            "lora: found adapters beside calibration.samples, expected scales found from the frozen weights alone; set calibration.samples to null, or lora to null.",
        ],
        Faults("{}", """ "calibration": {"method": "gptq", "weighted": true, "samples": {"general": 8}}, """));

    [Theory]
    [InlineData("rtn")]
    [InlineData("percentile")]
    [InlineData("mse")]
    [InlineData("entropy")]
    public void Methods_that_look_at_weights_alone_go_with_adapters(string method) =>
        Assert.Empty(Faults("{}", $$""" "calibration": {"method": "{{method}}", "percentile": 0.99}, """));

    [Fact]
    public void A_teacher_that_learns_is_no_matter_where_there_is_none() =>
        Assert.Empty(Faults("{}", """ "qat": {"freeze_teacher": false, "use_distillation": false}, """));

    private static Recipe Read(string lora) => RecipeJson.Read(Json(lora, ""), "test");

    private static IEnumerable<string> Faults(string lora, string others = "") => RecipeJson.Examine(Json(lora, others)).Faults.Select(fault => fault.ToString());

    private static string Json(string lora, string others) => $$"""{{{others}} "model": "m", "data": {"files": [{"path": "a.txt"}]}, "lora": {{lora}}}""";
}
