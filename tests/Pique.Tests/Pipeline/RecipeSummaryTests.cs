using Pique.Configuration;
using Pique.Pipeline;

namespace Pique.Tests.Pipeline;

public class RecipeSummaryTests
{
    [Fact]
    public void A_recipe_of_defaults_in_words() => Assert.Equal(
        [
            ("model", "m"),
            ("teacher", "the model itself"),
            ("grid", "4 bits, two's complement"),
            ("granularity", "per channel"),
            ("overrides", "*embed_tokens: 8 bits, per block of 32; lm_head: 8 bits, per block of 32"),
            ("calibration", "least squared error"),
            ("estimator", "standard straight-through"),
            ("incoherence", "off"),
            ("loss", "task 1, distillation 0.5 at T = 3, reasoning 0.2"),
            ("epochs", "3, of which 1 warm-up"),
            ("learning rate", "weights 0.0001, scales 0.0001, Cosine"),
            ("batch", "2048 tokens in rows of 256"),
            ("seed", "0"),
        ],
        RecipeSummary.Of(new Recipe { Model = "m" }));

    [Theory]
    [InlineData(CalibrationMethod.Rtn, true, "covering scales, rounded to nearest")]
    [InlineData(CalibrationMethod.Percentile, true, "the 99.9th percentile of magnitudes")]
    [InlineData(CalibrationMethod.Mse, true, "least squared error, weighted by the inputs")]
    [InlineData(CalibrationMethod.Mse, false, "least squared error")]
    [InlineData(CalibrationMethod.Mse, null, "least squared error")]
    [InlineData(CalibrationMethod.Entropy, true, "least divergence of magnitudes")]
    [InlineData(CalibrationMethod.Gptq, null, "second-order rounding (GPTQ)")]
    [InlineData(CalibrationMethod.Gptq, false, "second-order rounding (GPTQ), scales not weighted by the inputs")]
    public void The_method_of_calibration_is_told(CalibrationMethod method, bool? weighted, string expected)
    {
        Recipe recipe = new() { Calibration = new() { Method = method, Weighted = weighted } };
        Assert.Contains(("calibration", expected), RecipeSummary.Of(recipe));
        Assert.Contains(("calibration", "c.json"), RecipeSummary.Of(recipe with { Calibration = recipe.Calibration with { Artifact = "c.json" } }));
    }

    [Fact]
    public void Every_choice_that_departs_is_told()
    {
        Recipe recipe = new()
        {
            Model = "m",
            Teacher = "t",
            ActivationBits = 6,
            Qat = new QatConfig { Bits = 3, PiK = 4, Granularity = new QuantGranularity.PerToken(), SteVariant = new SteVariant.Ewgs(0.25f), UseIncoherence = true },
            Overrides = [new() { Pattern = "lm_head", FullPrecision = true }, new() { Pattern = "*", Bits = 5 }],
            Training = new() { ReasoningPreset = ReasoningPreset.Math, TeacherCache = new() { TopK = 32 } },
        };

        Dictionary<string, string> summary = RecipeSummary.Of(recipe).ToDictionary(choice => choice.Name, choice => choice.Value);

        Assert.Equal("t", summary["teacher"]);
        Assert.Equal("3 bits, pi-scaled (k = 4)", summary["grid"]);
        Assert.Equal("per channel, activations per token at 6 bits", summary["granularity"]);
        Assert.Equal("lm_head: full precision; *: 5 bits", summary["overrides"]);
        Assert.Equal("EWGS, λ = 0.25", summary["estimator"]);
        Assert.Equal("on", summary["incoherence"]);
        Assert.Equal("Math preset", summary["reasoning"]);
        Assert.Equal("kept, top 32", summary["teacher outputs"]);
    }

    [Fact]
    public void Grid_estimator_and_dampening_of_a_recipe_are_told_beside_the_configurations()
    {
        Recipe recipe = new()
        {
            Grid = WeightGrid.HalfInteger,
            Qat = new QatConfig { Bits = 2, PiK = 3, SteVariant = new SteVariant.LearnedStepSize() },
            PiKPerChannel = true,
            Estimator = new SteVariant.EwgsSigned(0.1f),
            OscillationDampening = 0.25f,
        };
        Recipe twoLevel = new() { Grid = WeightGrid.TwoLevel, Qat = new QatConfig { Bits = 3, Granularity = new QuantGranularity.PerBlock(16) } };

        Assert.Equal(
            [("grid", "2 bits, half-integer, pi-scaled (k per channel)"), ("estimator", "signed EWGS, δ = 0.1"), ("dampening", "0.25 of oscillations")],
            RecipeSummary.Of(recipe).Where(choice => choice.Name is "grid" or "estimator" or "dampening"));
        Assert.Contains(("grid", "3 bits, two-level 256/16"), RecipeSummary.Of(twoLevel));
    }

    [Fact]
    public void How_training_is_watched_and_what_it_saves_memory_by_is_told_where_the_recipe_says_so()
    {
        TrainingRecipe training = new()
        {
            Schedule = LearningRateSchedule.WarmupStableDecay,
            ScheduleDecayShare = 0.25f,
            EvaluateEverySteps = 50,
            KeepBest = true,
            EarlyStopEvaluations = 3,
            AccumulationSteps = 4,
            GradientCheckpointing = true,
        };

        Assert.Equal(
            [
                ("learning rate", "weights 0.0001, scales 0.0001, warm-up, stable, decay over the last 25 %"),
                ("evaluation", "every 50 steps, the best weights are kept, ends after 3 without a lower loss"),
                ("batch", "2048 tokens in rows of 256, in 4 parts, blocks computed again for gradients"),
            ],
            RecipeSummary.Of(new Recipe { Training = training }).Where(choice => choice.Name is "learning rate" or "evaluation" or "batch"));
    }

    [Theory]
    [InlineData(null, true, "2 for each block at 0.002 (weights) and 0.0001 (scales), then 3 of all scales end to end")]
    [InlineData(40, false, "2 for each block on 40 rows at 0.002 (weights) and 0.0001 (scales), nothing end to end")]
    public void Epochs_of_blocks_and_of_what_follows_are_told(int? rows, bool scalesEndToEnd, string expected)
    {
        TrainingRecipe training = new() { Mode = TrainingMode.Blockwise, WeightLearningRate = 2e-3f, Blockwise = new() { Rows = rows, ScalesEndToEnd = scalesEndToEnd } };
        Assert.Contains(("epochs", expected), RecipeSummary.Of(new Recipe { Training = training }));
    }

    [Fact]
    public void States_in_fewer_bits_are_told() => Assert.Equal(
        [("optimizer", "moments in 8 bits"), ("latent weights", "bfloat16, rounded stochastically")],
        RecipeSummary.Of(new Recipe { Training = new() { OptimizerStates = OptimizerStates.Int8, LatentWeights = LatentWeights.Bfloat16 } })
            .Where(choice => choice.Name is "optimizer" or "latent weights"));

    [Fact]
    public void Without_distillation_there_is_no_teacher_and_without_overrides_none()
    {
        Recipe recipe = new() { Teacher = "t", Qat = new QatConfig { UseDistillation = false, Symmetric = false }, Overrides = [] };

        Assert.Equal(
            [("teacher", "none"), ("grid", "4 bits, affine"), ("overrides", "none")],
            RecipeSummary.Of(recipe).Where(choice => choice.Name is "teacher" or "grid" or "overrides"));
    }
}
