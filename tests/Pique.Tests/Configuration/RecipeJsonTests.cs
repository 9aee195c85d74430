using CsCheck;
using Pique.Configuration;

namespace Pique.Tests.Configuration;

public class RecipeJsonTests
{
    private const string Least = """{"model": "m", "data": {"files": [{"path": "a.txt"}]}}""";

    [Fact]
    public void Any_valid_recipe_survives_writing_and_reading() =>
        ConfigurationGenerators.Recipe.Sample(recipe =>
        {
            string json = RecipeJson.Write(recipe);
            Recipe read = RecipeJson.Read(json, "test");
            Assert.Equal(json, RecipeJson.Write(read));
            Assert.Equal(recipe.Qat, read.Qat);
            Assert.Equal(recipe.Training, read.Training);
            Assert.Equal((recipe.Model, recipe.Teacher, recipe.ActivationBits, recipe.Calibration), (read.Model, read.Teacher, read.ActivationBits, read.Calibration));
            Assert.Equal((recipe.Grid, recipe.Estimator, recipe.PiKPerChannel, recipe.OscillationDampening), (read.Grid, read.Estimator, read.PiKPerChannel, read.OscillationDampening));
            Assert.Equal(recipe.Data.Files, read.Data.Files);
            Assert.Equal(recipe.Data.Curriculum, read.Data.Curriculum);
            Assert.Equal(recipe.Overrides, read.Overrides);
        });

    [Fact]
    public void The_whole_recipe_is_written_in_declared_order()
    {
        string json = RecipeJson.Write(RecipeJson.Read(Least, "test"));
        Assert.StartsWith("{\n  \"qat\": {\n    \"bits\": 4,\n", json, StringComparison.Ordinal);
        string tail = json[json.IndexOf("  \"model\"", StringComparison.Ordinal)..];
        Assert.Equal(
            """
              "model": "m",
              "teacher": null,
              "data": {
                "files": [
                  {
                    "path": "a.txt",
                    "domain": "general"
                  }
                ],
                "curriculum": null,
                "held_out_share": 0.05,
                "context_tokens": 256
              },
              "activation_bits": 8,
              "grid": "auto",
              "estimator": null,
              "pi_k_per_channel": false,
              "oscillation_dampening": 0.0,
              "training": {
                "mode": "end_to_end",
                "blockwise": null,
                "batch_tokens": 2048,
                "accumulation_steps": 1,
                "gradient_checkpointing": false,
                "compute_type": "auto",
                "weight_learning_rate": null,
                "schedule": "cosine",
                "schedule_warmup_steps": 0,
                "final_learning_rate_fraction": 0.1,
                "schedule_decay_share": 0.2,
                "evaluate_every_steps": null,
                "keep_best": false,
                "early_stop_evaluations": null,
                "checkpoint_steps": 200,
                "keep_checkpoints": 2,
                "max_skipped_steps": 10,
                "seed": 0,
                "max_steps": null,
                "adam_beta1": 0.9,
                "adam_beta2": 0.95,
                "adam_epsilon": 1e-8,
                "optimizer_states": "float32",
                "latent_weights": "float32",
                "reasoning_preset": "default",
                "teacher_cache": null
              },
              "lora": null,
              "calibration": {
                "method": "mse",
                "weighted": false,
                "samples": null,
                "percentile": 0.999,
                "damping": 0.01,
                "activation_order": true,
                "artifact": null
              },
              "overrides": [
                {
                  "pattern": "*embed_tokens",
                  "bits": 8,
                  "granularity": {
                    "PerBlock": {
                      "block_size": 32
                    }
                  },
                  "full_precision": false
                },
                {
                  "pattern": "lm_head",
                  "bits": 8,
                  "granularity": {
                    "PerBlock": {
                      "block_size": 32
                    }
                  },
                  "full_precision": false
                }
              ]
            }
            """,
            tail);
    }

    [Fact]
    public void Faults_of_the_whole_tree_come_at_once()
    {
        const string json = """
            {"qat": {"bits": 7}, "data": {"files": [{"path": "a.txt", "domain": "tools"}, {}], "held_out_share": 1}, "training": {"schedule": "cosin", "batch_tokens": 8},
             "overrides": [{"pattern": "lm_head"}, {"pattern": "", "bits": 6, "full_precision": true}], "modle": "m"}
            """;
        Assert.Equal(
            [
                "data.files[0].domain: found the string \"tools\", expected one of \"general\", \"reasoning\", \"tool_use\", \"code\"; write \"tool_use\".",
                "training.schedule: found the string \"cosin\", expected one of \"constant\", \"linear\", \"cosine\", \"warmup_stable_decay\"; write \"cosine\".",
                "modle: found the unknown field \"modle\", expected one of qat, model, teacher, data, activation_bits, grid, estimator, pi_k_per_channel, oscillation_dampening, training, lora, calibration, overrides; write model, or remove it.",
                "qat.bits: found 7, expected 2, 3, 4, 5 or 8; set it to 8.",
                "model: found nothing, expected the path of a full-precision model; add \"model\".",
                "data.files[1].path: found nothing, expected the path of a .txt or .jsonl file; add \"path\".",
                "data.held_out_share: found 1.0, expected 0.0 or more and less than 1.0; set it to a value within.",
                "training.batch_tokens: found 8, expected at least one row, 256 tokens (data.context_tokens); set it to 256 or more, or shorten the context.",
                "overrides[0]: found an override that changes nothing, expected bits, granularity or full_precision; add one of them, or remove the override.",
                "overrides[1].pattern: found nothing, expected layer names, * standing for any run of characters; add \"pattern\".",
                "overrides[1].bits: found 6, expected 2, 3, 4, 5 or 8; set it to 5.",
                "overrides[1].full_precision: found true beside bits or granularity, expected full precision or a quantization, not both; remove one of them.",
            ],
            RecipeJson.Examine(json).Faults.Select(fault => fault.ToString()));
    }

    [Theory]
    [InlineData("""{"model": "m"}""", "data")]
    [InlineData("""{"model": "m", "data": {"curriculum": {}}}""", "data.curriculum")]
    [InlineData("""{"model": "m", "data": {"curriculum": {"general": 5, "held_out": -1}}}""", "data.curriculum.held_out")]
    [InlineData("""{"model": "m\u0000", "data": {"curriculum": {"general": 5}}}""", "model")]
    [InlineData("""{"model": "m", "teacher": " ", "data": {"curriculum": {"general": 5}}}""", "teacher")]
    [InlineData("""{"model": "m", "activation_bits": 9, "data": {"curriculum": {"general": 5}}}""", "activation_bits")]
    [InlineData("""{"model": "m", "lora": 16, "data": {"curriculum": {"general": 5}}}""", "lora")]
    [InlineData("""{"model": "m", "overrides": {}, "data": {"curriculum": {"general": 5}}}""", "overrides")]
    [InlineData("""{"model": "m", "overrides": [1], "data": {"curriculum": {"general": 5}}}""", "overrides[0]")]
    [InlineData("""{"model": "m", "training": {"adam_beta2": 1}, "data": {"curriculum": {"general": 5}}}""", "training.adam_beta2")]
    [InlineData("""{"model": "m", "training": {"accumulation_steps": 0}, "data": {"curriculum": {"general": 5}}}""", "training.accumulation_steps")]
    [InlineData("""{"model": "m", "training": {"accumulation_steps": 9}, "data": {"curriculum": {"general": 5}}}""", "training.accumulation_steps")]
    [InlineData("""{"model": "m", "training": {"schedule_decay_share": 0}, "data": {"curriculum": {"general": 5}}}""", "training.schedule_decay_share")]
    [InlineData("""{"model": "m", "training": {"schedule_decay_share": 1.5}, "data": {"curriculum": {"general": 5}}}""", "training.schedule_decay_share")]
    [InlineData("""{"model": "m", "training": {"evaluate_every_steps": 0}, "data": {"curriculum": {"general": 5}}}""", "training.evaluate_every_steps")]
    [InlineData("""{"model": "m", "training": {"keep_best": true}, "data": {"curriculum": {"general": 5}}}""", "training.keep_best")]
    [InlineData("""{"model": "m", "training": {"early_stop_evaluations": 3}, "data": {"curriculum": {"general": 5}}}""", "training.early_stop_evaluations")]
    [InlineData("""{"model": "m", "training": {"evaluate_every_steps": 5, "early_stop_evaluations": 0}, "data": {"curriculum": {"general": 5}}}""", "training.early_stop_evaluations")]
    [InlineData("""{"model": "m", "training": {"max_skipped_steps": 0}, "data": {"curriculum": {"general": 5}}}""", "training.max_skipped_steps")]
    [InlineData("""{"model": "m", "training": {"max_steps": 0}, "data": {"curriculum": {"general": 5}}}""", "training.max_steps")]
    public void A_wrong_value_is_one_fault_at_its_path(string json, string path) =>
        Assert.Equal(path, Assert.Single(RecipeJson.Examine(json).Faults).Path);

    [Fact]
    public void Choosing_and_stopping_without_measurements_is_told_with_its_remedy() => Assert.Equal(
        [
            "training.keep_best: found true without evaluate_every_steps, expected measurements to choose by; set evaluate_every_steps, or keep_best to false.",
            "training.early_stop_evaluations: found 3 without evaluate_every_steps, expected measurements to stop by; set evaluate_every_steps, or early_stop_evaluations to null.",
        ],
        RecipeJson.Examine("""{"model": "m", "data": {"files": [{"path": "a.txt"}]}, "training": {"keep_best": true, "early_stop_evaluations": 3}}""").Faults.Select(fault => fault.ToString()));

    [Fact]
    public void A_batch_has_no_more_parts_than_rows() => Assert.Equal(
        "training.accumulation_steps: found 5, expected at most 4, the rows of a batch (batch_tokens / data.context_tokens); set it to 4 or less, or raise batch_tokens.",
        Assert.Single(RecipeJson.Examine("""{"model": "m", "data": {"files": [{"path": "a.txt"}], "context_tokens": 10}, "training": {"batch_tokens": 49, "accumulation_steps": 5}}""").Faults).ToString());

    [Fact]
    public void Grid_and_estimator_are_written_as_they_are_read()
    {
        string json = RecipeJson.Write(RecipeJson.Read(
            """
            {"qat": {"pi_k": 3}, "model": "m", "data": {"files": [{"path": "a.txt"}]}, "grid": "half_integer", "estimator": {"EwgsSigned": {}},
             "pi_k_per_channel": true, "oscillation_dampening": 0.1}
            """,
            "test"));

        Assert.Contains(
            """
              "grid": "half_integer",
              "estimator": {
                "EwgsSigned": {
                  "delta": 0.05
                }
              },
              "pi_k_per_channel": true,
              "oscillation_dampening": 0.1,

            """,
            json,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        """ "grid": "half" """,
        "grid: found the string \"half\", expected one of \"auto\", \"twos_complement\", \"half_integer\", \"two_level\"; write \"auto\".")]
    [InlineData(
        """ "qat": {"symmetric": false}, "grid": "half_integer" """,
        "grid: found \"half_integer\" with qat.symmetric false, expected \"auto\", or a symmetric configuration; set qat.symmetric to true, or grid to \"auto\" for the affine grid.")]
    [InlineData(
        """ "grid": "two_level" """,
        "grid: found \"two_level\" at 4 bits, PerChannel, expected PerBlock 32 at 2 to 5 bits or PerBlock 16 at 2 or 3; set qat.granularity to {\"PerBlock\": {\"block_size\": 32}}, or choose another grid.")]
    [InlineData(
        """ "qat": {"bits": 8, "granularity": {"PerBlock": {"block_size": 32}}}, "grid": "two_level" """,
        "grid: found \"two_level\" at 8 bits, PerBlock 32, expected PerBlock 32 at 2 to 5 bits or PerBlock 16 at 2 or 3; set qat.bits to 5 or less, or choose another grid.")]
    [InlineData(
        """ "qat": {"granularity": {"PerBlock": {"block_size": 32}}}, "grid": "two_level", "overrides": [{"pattern": "*", "granularity": {"PerBlock": {"block_size": 16}}}] """,
        "overrides[0].granularity: found PerBlock 16 at 4 bits on the two-level grid, expected PerBlock 32 at 2 to 5 bits or PerBlock 16 at 2 or 3; choose such a granularity, or state bits as well, which takes the layers off that grid.")]
    [InlineData(
        """ "estimator": "LearnedStepSize" """,
        "estimator: found \"LearnedStepSize\", expected null or {\"EwgsSigned\": {\"delta\": 0.05}}; set qat.ste_variant to LearnedStepSize and estimator to null: only what that format lacks is set here.")]
    [InlineData(
        """ "estimator": {"Ewgs": {"lambda": 1}} """,
        "estimator: found \"Ewgs\", expected null or {\"EwgsSigned\": {\"delta\": 0.05}}; set qat.ste_variant to Ewgs and estimator to null: only what that format lacks is set here.")]
    [InlineData(
        """ "estimator": "EwgsSigned" """,
        "estimator: found the string \"EwgsSigned\", expected null or {\"EwgsSigned\": {\"delta\": 0.05}}; write EwgsSigned in the form shown.")]
    [InlineData(
        """ "estimator": {"EwgsSigned": {"delta": -1}} """,
        "estimator.EwgsSigned.delta: found -1.0, expected a finite number, zero or more; set it to 0.0 or more.")]
    [InlineData(
        """ "qat": {"ste_variant": {"EwgsSigned": {"delta": 0.1}}} """,
        "qat.ste_variant: found EwgsSigned, which the configuration format lacks, expected \"Standard\", {\"Clipped\": {\"clip_val\": 1.0}}, \"LearnedStepSize\" or {\"Ewgs\": {\"lambda\": 0.1}}; set it as the recipe's \"estimator\", beside \"qat\", instead.")]
    [InlineData(
        """ "pi_k_per_channel": true """,
        "pi_k_per_channel: found true without qat.pi_k, expected a pi grid whose k is to be chosen; set qat.pi_k to 2, 3, 4 or 5, or pi_k_per_channel to false.")]
    [InlineData(
        """ "oscillation_dampening": -0.5 """,
        "oscillation_dampening: found -0.5, expected a finite number, zero or more; set it to 0.0 or more.")]
    public void A_grid_or_estimator_that_does_not_fit_is_told_with_its_remedy(string fields, string expected) => Assert.Equal(
        expected,
        Assert.Single(RecipeJson.Examine($$"""{"model": "m", "data": {"files": [{"path": "a.txt"}]}, {{fields}}}""").Faults).ToString());

    [Fact]
    public void Kept_teacher_outputs_and_reasoning_preset_are_written_as_they_are_read()
    {
        string json = RecipeJson.Write(RecipeJson.Read(
            """{"model": "m", "data": {"files": [{"path": "a.txt"}]}, "training": {"reasoning_preset": "math", "teacher_cache": {"folder": "kept"}}}""", "test"));
        Assert.Contains(
            """
                "reasoning_preset": "math",
                "teacher_cache": {
                  "top_k": 64,
                  "folder": "kept"
                }

            """,
            json,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        """ "training": {"reasoning_preset": "maths"} """,
        "training.reasoning_preset: found the string \"maths\", expected one of \"default\", \"math\", \"code\"; write \"math\".")]
    [InlineData(
        """ "training": {"teacher_cache": {"top_k": 0}} """,
        "training.teacher_cache.top_k: found 0, expected 1 or more; set it to 1 or more.")]
    [InlineData(
        """ "training": {"teacher_cache": {"folder": " "}} """,
        "training.teacher_cache.folder: found nothing, expected the path of a folder, or null for the run's own; add \"folder\".")]
    [InlineData(
        """ "training": {"teacher_cache": {"topk": 5}} """,
        "training.teacher_cache.topk: found the unknown field \"topk\", expected one of top_k, folder; write top_k, or remove it.")]
    [InlineData(
        """ "training": {"teacher_cache": {}}, "qat": {"freeze_teacher": false} """,
        "training.teacher_cache: found teacher outputs to keep with qat.freeze_teacher false, expected a teacher whose outputs stay as they are; set qat.freeze_teacher to true, or teacher_cache to null.")]
    [InlineData(
        """ "training": {"teacher_cache": {}}, "qat": {"use_distillation": false} """,
        "training.teacher_cache: found teacher outputs to keep with qat.use_distillation false, expected a teacher to keep outputs of; set qat.use_distillation to true, or teacher_cache to null.")]
    public void What_cannot_be_kept_of_a_teacher_is_told_with_its_remedy(string fields, string expected) => Assert.Equal(
        expected,
        Assert.Single(RecipeJson.Examine($$"""{"model": "m", "data": {"files": [{"path": "a.txt"}]}, {{fields}}}""").Faults).ToString());

    [Fact]
    public void States_in_fewer_bits_are_written_as_they_are_read()
    {
        Recipe recipe = RecipeJson.Read("""{"model": "m", "data": {"files": [{"path": "a.txt"}]}, "training": {"optimizer_states": "int8", "latent_weights": "bfloat16"}}""", "test");
        Assert.Equal((OptimizerStates.Int8, LatentWeights.Bfloat16), (recipe.Training.OptimizerStates, recipe.Training.LatentWeights));
        Assert.Contains(
            """
                "optimizer_states": "int8",
                "latent_weights": "bfloat16",

            """,
            RecipeJson.Write(recipe),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(
        """ "training": {"optimizer_states": "int4"} """,
        "training.optimizer_states: found the string \"int4\", expected one of \"float32\", \"int8\"; write \"int8\".")]
    [InlineData(
        """ "training": {"latent_weights": "float16"} """,
        "training.latent_weights: found the string \"float16\", expected one of \"float32\", \"bfloat16\"; write \"bfloat16\".")]
    [InlineData(
        """ "training": {"latent_weights": "bfloat16"}, "lora": {} """,
        "training.latent_weights: found \"bfloat16\" beside lora, expected \"float32\": with adapters no latent weight is trained, and lora.base says how frozen ones are held; remove it, or set lora to null.")]
    public void States_that_there_are_not_are_told_with_their_remedy(string fields, string expected) => Assert.Equal(
        expected,
        Assert.Single(RecipeJson.Examine($$"""{"model": "m", "data": {"files": [{"path": "a.txt"}]}, {{fields}}}""").Faults).ToString());

    [Fact]
    public void Overrides_left_out_are_the_defaults_and_an_empty_list_is_none()
    {
        Assert.Equal(LayerOverride.Defaults, RecipeJson.Read(Least, "test").Overrides);
        Recipe without = RecipeJson.Read("""{"overrides": [], "model": "m", "data": {"files": [{"path": "a.txt"}]}}""", "test");
        Assert.Empty(without.Overrides);
        Assert.EndsWith("  \"overrides\": []\n}", RecipeJson.Write(without), StringComparison.Ordinal);
    }
}
