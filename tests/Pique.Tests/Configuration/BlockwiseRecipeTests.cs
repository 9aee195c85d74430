using Pique.Configuration;

namespace Pique.Tests.Configuration;

public class BlockwiseRecipeTests
{
    [Fact]
    public void Every_field_is_written_as_it_is_read() => Assert.Contains(
        """
            "mode": "blockwise",
            "blockwise": {
              "epochs": 3,
              "rows": 40,
              "learning_rate": 0.001,
              "weight_learning_rate": 0.0,
              "scales_end_to_end": false
            },

        """,
        RecipeJson.Write(Read("""{"mode": "blockwise", "blockwise": {"epochs": 3, "rows": 40, "learning_rate": 1e-3, "weight_learning_rate": 0, "scales_end_to_end": false}}""")),
        StringComparison.Ordinal);

    [Fact]
    public void An_empty_object_is_the_defaults() => Assert.Contains(
        """
            "mode": "blockwise",
            "blockwise": {
              "epochs": 2,
              "rows": null,
              "learning_rate": null,
              "weight_learning_rate": null,
              "scales_end_to_end": true
            },

        """,
        RecipeJson.Write(Read("""{"mode": "blockwise", "blockwise": {}}""")),
        StringComparison.Ordinal);

    [Fact]
    public void All_faults_come_at_once() => Assert.Equal(
        [
            "training.blockwise.epochs: found 0, expected 1 or more; set it to 1 or more.",
            "training.blockwise.rows: found 0, expected 1 or more; set it to 1 or more.",
            "training.blockwise.learning_rate: found 0.0, expected a finite number greater than zero; set it to a value as 0.0001, or to null for qat.learning_rate.",
            "training.blockwise.weight_learning_rate: found -1.0, expected a finite number, zero or more; set it to 0.0 or more.",
            "training.mode: found \"blockwise\" beside adapters (lora), expected weights that are trained themselves; set lora to null, or training.mode to \"end_to_end\".",
            "training.mode: found \"blockwise\" with qat.use_distillation false, expected a teacher, whose blocks the blocks are trained by; set qat.use_distillation to true, or training.mode to \"end_to_end\".",
        ],
        Faults("""{"mode": "blockwise", "blockwise": {"epochs": 0, "rows": 0, "learning_rate": 0, "weight_learning_rate": -1}}""", """ "lora": {}, "qat": {"use_distillation": false}, """));

    [Fact]
    public void Latent_weights_are_float32() => Assert.Equal(
        "training.latent_weights: found \"bfloat16\" beside mode \"blockwise\", expected float32, of which one block's are trained at a time; set latent_weights to \"float32\", or mode to \"end_to_end\".",
        Assert.Single(Faults("""{"mode": "blockwise", "latent_weights": "bfloat16"}""")));

    [Theory]
    [InlineData("""{"mode": "block_wise"}""", "training.mode: found the string \"block_wise\", expected one of \"end_to_end\", \"blockwise\"; write \"blockwise\".")]
    [InlineData("""{"blockwise": {}}""", "training.blockwise: found choices of block-wise training beside another mode, expected null, or mode \"blockwise\"; set mode to \"blockwise\", or remove them.")]
    [InlineData("""{"mode": "blockwise", "blockwise": {"epoch": 1}}""", "training.blockwise.epoch: found the unknown field \"epoch\", expected one of epochs, rows, learning_rate, weight_learning_rate, scales_end_to_end; write epochs, or remove it.")]
    public void A_wrong_value_is_told_with_its_remedy(string training, string expected) => Assert.Equal(expected, Assert.Single(Faults(training)));

    [Fact]
    public void A_teacher_that_learns_cannot_teach_blocks() => Assert.Equal(
        "training.mode: found \"blockwise\" with qat.freeze_teacher false, expected a teacher that stays as it is; set qat.freeze_teacher to true, or training.mode to \"end_to_end\".",
        Assert.Single(Faults("""{"mode": "blockwise"}""", """ "qat": {"freeze_teacher": false}, """)));

    [Fact]
    public void What_only_the_end_to_end_phase_looks_at_is_refused_without_it() => Assert.Equal(
        [
            "training.evaluate_every_steps: found 5, expected null where scales are not trained end to end; set blockwise.scales_end_to_end to true, or remove it.",
            "training.max_steps: found 7, expected null where scales are not trained end to end; set blockwise.scales_end_to_end to true, or remove it.",
            "training.teacher_cache: found teacher outputs to keep, expected null where scales are not trained end to end; set blockwise.scales_end_to_end to true, or remove it.",
        ],
        Faults("""{"mode": "blockwise", "blockwise": {"scales_end_to_end": false}, "evaluate_every_steps": 5, "max_steps": 7, "teacher_cache": {}}"""));

    private static Recipe Read(string training) => RecipeJson.Read(Json(training, ""), "test");

    private static IEnumerable<string> Faults(string training, string others = "") => RecipeJson.Examine(Json(training, others)).Faults.Select(fault => fault.ToString());

    private static string Json(string training, string others) => $$"""{{{others}} "model": "m", "data": {"files": [{"path": "a.txt"}]}, "training": {{training}}}""";
}
