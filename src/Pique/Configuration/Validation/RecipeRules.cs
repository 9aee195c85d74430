using System.Globalization;

namespace Pique.Configuration;

/// <summary>The valid values of a <see cref="Recipe"/> and of the parts it shares with a <see cref="PretrainRecipe"/>.</summary>
internal static class RecipeRules
{
    // A token and the one it predicts.
    private const int LeastContextTokens = 2;

    public static void Check(Recipe recipe, FaultCollector faults)
    {
        RuleChecker rules = new("", faults);
        QatConfigRules.Check(recipe.Qat, "qat", faults);
        rules.FilePath("model", recipe.Model, "the path of a full-precision model");
        if (recipe.Teacher is not null)
        {
            rules.FilePath("teacher", recipe.Teacher, "the path of a full-precision model, or null for the model itself");
        }

        CheckData(recipe.Data, rules.Within("data"));
        CheckGrids(recipe, rules);
        CheckTraining(recipe.Training, recipe.Data, rules.Within("training"));
        CheckTeacherCache(recipe, rules.Within("training"));
        CheckLatentWeights(recipe, rules.Within("training"));
        BlockwiseRules.Check(recipe, rules.Within("training"));
        CalibrationRules.Check(recipe.Calibration, rules.Within("calibration"));
        LoraRules.Check(recipe, rules.Within("lora"));
        CheckOverrides(recipe, rules);
    }

    /// <summary>Checks what says how weights and activations are quantized.</summary>
    public static void CheckQuantization(Recipe recipe, FaultCollector faults)
    {
        RuleChecker rules = new("", faults);
        QatConfigRules.Check(recipe.Qat, "qat", faults);
        CheckGrids(recipe, rules);
        CalibrationRules.Check(recipe.Calibration, rules.Within("calibration"));
        CheckOverrides(recipe, rules);
    }

    public static void CheckData(DataRecipe data, RuleChecker rules)
    {
        if (data.Files.Count == 0 && data.Curriculum is null)
        {
            rules.Reject("", "neither files nor a curriculum", "records to train on", "add \"files\" or \"curriculum\"");
        }

        for (int index = 0; index < data.Files.Count; index++)
        {
            rules.Item("files", index).FilePath("path", data.Files[index].Path, "the path of a .txt or .jsonl file");
        }

        if (data.Curriculum is CurriculumRecipe curriculum)
        {
            CheckCurriculum(curriculum, rules.Within("curriculum"));
        }

        rules.Fraction("held_out_share", data.HeldOutShare, includesOne: false);
        rules.AtLeast("context_tokens", data.ContextTokens, LeastContextTokens);
    }

    public static void CheckTraining(TrainingRecipe training, DataRecipe data, RuleChecker rules)
    {
        if (training.BatchTokens < data.ContextTokens)
        {
            string least = data.ContextTokens.ToString(CultureInfo.InvariantCulture);
            rules.Reject("batch_tokens", training.BatchTokens.ToString(CultureInfo.InvariantCulture), $"at least one row, {least} tokens (data.context_tokens)", $"set it to {least} or more, or shorten the context");
        }

        rules.AtLeast("accumulation_steps", training.AccumulationSteps, 1);
        if (training.BatchTokens >= data.ContextTokens && data.ContextTokens > 0 && training.AccumulationSteps > training.BatchTokens / data.ContextTokens)
        {
            string rows = (training.BatchTokens / data.ContextTokens).ToString(CultureInfo.InvariantCulture);
            rules.Reject("accumulation_steps", training.AccumulationSteps.ToString(CultureInfo.InvariantCulture), $"at most {rows}, the rows of a batch (batch_tokens / data.context_tokens)", $"set it to {rows} or less, or raise batch_tokens");
        }

        rules.NotNegative("weight_learning_rate", training.WeightLearningRate);
        rules.AtLeast("schedule_warmup_steps", training.ScheduleWarmupSteps, 0);
        rules.Fraction("final_learning_rate_fraction", training.FinalLearningRateFraction, includesOne: true);
        if (!(training.ScheduleDecayShare > 0 && training.ScheduleDecayShare <= 1))
        {
            rules.Reject("schedule_decay_share", SerdeFloat.Format(training.ScheduleDecayShare), "more than 0.0 and at most 1.0", "set it to a value as 0.2");
        }

        CheckEvaluation(training, rules);
        rules.AtLeast("checkpoint_steps", training.CheckpointSteps, 1);
        rules.AtLeast("keep_checkpoints", training.KeepCheckpoints, 1);
        rules.AtLeast("max_skipped_steps", training.MaxSkippedSteps, 1);
        rules.AtLeast("max_steps", training.MaxSteps ?? 1, 1);
        rules.Fraction("adam_beta1", training.AdamBeta1, includesOne: false);
        rules.Fraction("adam_beta2", training.AdamBeta2, includesOne: false);
        rules.Positive("adam_epsilon", training.AdamEpsilon, "1e-8");
    }

    private static void CheckTeacherCache(Recipe recipe, RuleChecker rules)
    {
        if (recipe.Training.TeacherCache is not { } cache)
        {
            return;
        }

        RuleChecker fields = rules.Within("teacher_cache");
        fields.AtLeast("top_k", cache.TopK, 1);
        if (cache.Folder is not null)
        {
            fields.FilePath("folder", cache.Folder, "the path of a folder, or null for the run's own");
        }

        if (!recipe.Qat.UseDistillation)
        {
            rules.Reject("teacher_cache", "teacher outputs to keep with qat.use_distillation false", "a teacher to keep outputs of", "set qat.use_distillation to true, or teacher_cache to null");
        }
        else if (!recipe.Qat.FreezeTeacher)
        {
            rules.Reject("teacher_cache", "teacher outputs to keep with qat.freeze_teacher false", "a teacher whose outputs stay as they are", "set qat.freeze_teacher to true, or teacher_cache to null");
        }
    }

    private static void CheckLatentWeights(Recipe recipe, RuleChecker rules)
    {
        if (recipe is { Lora: not null, Training.LatentWeights: not LatentWeights.Float32 })
        {
            rules.Reject("latent_weights", $"\"{SnakeCase.Of(recipe.Training.LatentWeights)}\" beside lora", "\"float32\": with adapters no latent weight is trained, and lora.base says how frozen ones are held", "remove it, or set lora to null");
        }
    }

    private static void CheckEvaluation(TrainingRecipe training, RuleChecker rules)
    {
        rules.AtLeast("evaluate_every_steps", training.EvaluateEverySteps ?? 1, 1);
        rules.AtLeast("early_stop_evaluations", training.EarlyStopEvaluations ?? 1, 1);
        if (training.EvaluateEverySteps is null && training.KeepBest)
        {
            rules.Reject("keep_best", "true without evaluate_every_steps", "measurements to choose by", "set evaluate_every_steps, or keep_best to false");
        }

        if (training is { EvaluateEverySteps: null, EarlyStopEvaluations: { } patience })
        {
            rules.Reject("early_stop_evaluations", patience.ToString(CultureInfo.InvariantCulture) + " without evaluate_every_steps", "measurements to stop by", "set evaluate_every_steps, or early_stop_evaluations to null");
        }
    }

    private static void CheckCurriculum(CurriculumRecipe curriculum, RuleChecker rules)
    {
        rules.AtLeast("general", curriculum.General, 0);
        rules.AtLeast("reasoning", curriculum.Reasoning, 0);
        rules.AtLeast("tool_use", curriculum.ToolUse, 0);
        rules.AtLeast("held_out", curriculum.HeldOut, 0);
        if (curriculum is { General: 0, Reasoning: 0, ToolUse: 0 })
        {
            rules.Reject("", "no records of any domain", "one record or more", "set general, reasoning or tool_use, or remove the curriculum");
        }
    }

    private static void CheckGrids(Recipe recipe, RuleChecker rules)
    {
        rules.Between("activation_bits", recipe.ActivationBits, 2, 8);
        WeightGridRules.Check(recipe, rules);
    }

    private static void CheckOverrides(Recipe recipe, RuleChecker rules)
    {
        for (int index = 0; index < recipe.Overrides.Count; index++)
        {
            RuleChecker item = rules.Item("overrides", index);
            CheckOverride(recipe.Overrides[index], item);
            WeightGridRules.CheckOverride(recipe, recipe.Overrides[index], item);
        }
    }

    private static void CheckOverride(LayerOverride layers, RuleChecker rules)
    {
        rules.Present("pattern", layers.Pattern, "layer names, * standing for any run of characters");
        if (layers.Bits is int bits)
        {
            QatConfigRules.CheckBits(rules, "bits", bits);
        }

        CalibrationRules.CheckAverage(layers, rules);

        QatConfigRules.CheckGranularity(rules, "granularity", layers.Granularity);
        bool isQuantized = layers.Bits is not null || layers.AverageBits is not null || layers.Granularity is not null;
        if (layers.FullPrecision && isQuantized)
        {
            rules.Reject("full_precision", "true beside bits or granularity", "full precision or a quantization, not both", "remove one of them");
        }

        if (!layers.FullPrecision && !isQuantized)
        {
            rules.Reject("", "an override that changes nothing", "bits, granularity or full_precision", "add one of them, or remove the override");
        }
    }
}
