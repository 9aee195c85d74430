using System.Globalization;

namespace Pique.Configuration;

/// <summary>The valid values of a <see cref="BlockwiseRecipe"/>, and what of the recipe around it block-wise training rules out. Whether the teacher has the model's shape shows only beside both.</summary>
internal static class BlockwiseRules
{
    private const string Back = "or training.mode to \"end_to_end\"";

    public static void Check(Recipe recipe, RuleChecker rules)
    {
        TrainingRecipe training = recipe.Training;
        if (training.Mode != TrainingMode.Blockwise)
        {
            if (training.Blockwise is not null)
                rules.Reject("blockwise", "choices of block-wise training beside another mode", "null, or mode \"blockwise\"", "set mode to \"blockwise\", or remove them");
            return;
        }

        BlockwiseRecipe blockwise = training.Blockwise ?? new();
        CheckValues(blockwise, rules.Within("blockwise"));
        if (recipe.Lora is not null)
            rules.Reject("mode", "\"blockwise\" beside adapters (lora)", "weights that are trained themselves", $"set lora to null, {Back}");
        if (!recipe.Qat.UseDistillation)
            rules.Reject("mode", "\"blockwise\" with qat.use_distillation false", "a teacher, whose blocks the blocks are trained by", $"set qat.use_distillation to true, {Back}");
        else if (!recipe.Qat.FreezeTeacher)
            rules.Reject("mode", "\"blockwise\" with qat.freeze_teacher false", "a teacher that stays as it is", $"set qat.freeze_teacher to true, {Back}");
        if (training.LatentWeights != LatentWeights.Float32)
            rules.Reject("latent_weights", "\"bfloat16\" beside mode \"blockwise\"", "float32, of which one block's are trained at a time", "set latent_weights to \"float32\", or mode to \"end_to_end\"");
        if (!blockwise.ScalesEndToEnd)
            CheckWithoutEndToEnd(training, rules);
    }

    private static void CheckValues(BlockwiseRecipe blockwise, RuleChecker rules)
    {
        rules.AtLeast("epochs", blockwise.Epochs, 1);
        rules.AtLeast("rows", blockwise.Rows ?? 1, 1);
        rules.Positive("learning_rate", blockwise.LearningRate, "0.0001, or to null for qat.learning_rate");
        rules.NotNegative("weight_learning_rate", blockwise.WeightLearningRate);
    }

    /// <summary>What only the end-to-end phase looks at would be silently without effect.</summary>
    private static void CheckWithoutEndToEnd(TrainingRecipe training, RuleChecker rules)
    {
        const string Expected = "null where scales are not trained end to end";
        const string Fix = "set blockwise.scales_end_to_end to true, or remove it";
        if (training.EvaluateEverySteps is { } every)
            rules.Reject("evaluate_every_steps", every.ToString(CultureInfo.InvariantCulture), Expected, Fix);
        if (training.MaxSteps is { } most)
            rules.Reject("max_steps", most.ToString(CultureInfo.InvariantCulture), Expected, Fix);
        if (training.TeacherCache is not null)
            rules.Reject("teacher_cache", "teacher outputs to keep", Expected, Fix);
    }
}
