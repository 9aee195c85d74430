using System.Globalization;

namespace Pique.Configuration;

/// <summary>The valid values of a <see cref="PretrainRecipe"/>.</summary>
internal static class PretrainRecipeRules
{
    // Three special tokens and a token for every byte.
    private const int LeastVocabularySize = 259;

    public static void Check(PretrainRecipe recipe, FaultCollector faults)
    {
        RuleChecker rules = new("", faults);
        CheckArchitecture(recipe.Architecture, rules.Within("architecture"));
        rules.Within("tokenizer").AtLeast("vocabulary_size", recipe.Tokenizer.VocabularySize, LeastVocabularySize);
        RecipeRules.CheckData(recipe.Data, rules.Within("data"));
        if (recipe.Data.ContextTokens > recipe.Architecture.ContextTokens)
        {
            string longest = Text(recipe.Architecture.ContextTokens);
            rules.Within("data").Reject("context_tokens", Text(recipe.Data.ContextTokens), $"at most {longest} (architecture.context_tokens)", "shorten it, or lengthen the architecture's");
        }

        RuleChecker training = rules.Within("training");
        RecipeRules.CheckTraining(recipe.Training, recipe.Data, training);
        if (recipe.Training.WeightLearningRate is float rate)
        {
            training.Reject("weight_learning_rate", SerdeFloat.Format(rate), "null: full-precision training has one rate, learning_rate", "remove it");
        }

        if (recipe.Training.Mode != TrainingMode.EndToEnd || recipe.Training.Blockwise is not null)
        {
            training.Reject("mode", "block-wise training", "\"end_to_end\": full-precision training has no teacher to train blocks by", "remove mode and blockwise");
        }

        if (recipe.Training.TeacherCache is not null)
        {
            training.Reject("teacher_cache", "teacher outputs to keep", "null: full-precision training has no teacher", "remove it");
        }

        if (recipe.Training.ReasoningPreset != ReasoningPreset.Default)
        {
            training.Reject("reasoning_preset", $"\"{SnakeCase.Of(recipe.Training.ReasoningPreset)}\"", "\"default\": full-precision training has no reasoning loss", "remove it");
        }

        if (recipe.Training.LatentWeights != LatentWeights.Float32)
        {
            training.Reject("latent_weights", $"\"{SnakeCase.Of(recipe.Training.LatentWeights)}\"", "\"float32\": full-precision training has no latent weights", "remove it");
        }

        rules.NotNegative("weight_decay", recipe.WeightDecay);
        rules.Positive("grad_clip", recipe.GradClip, "1.0, or to null for no clipping");
        rules.AtLeast("epochs", recipe.Epochs, 1);
        rules.Positive("learning_rate", recipe.LearningRate, "0.001");
    }

    private static void CheckArchitecture(ArchitectureRecipe architecture, RuleChecker rules)
    {
        rules.AtLeast("hidden_size", architecture.HiddenSize, 1);
        rules.AtLeast("intermediate_size", architecture.IntermediateSize, 1);
        rules.AtLeast("layers", architecture.Layers, 1);
        rules.AtLeast("heads", architecture.Heads, 1);
        rules.AtLeast("key_value_heads", architecture.KeyValueHeads, 1);
        if (architecture is { Heads: >= 1, KeyValueHeads: >= 1 } && architecture.Heads % architecture.KeyValueHeads != 0)
        {
            rules.Reject("key_value_heads", Text(architecture.KeyValueHeads), $"a divisor of heads ({Text(architecture.Heads)})", "change one of them");
        }

        if (architecture.HeadSize is int headSize)
        {
            if (headSize < 2 || headSize % 2 != 0)
            {
                rules.Reject("head_size", Text(headSize), "an even number, 2 or more: rotary embedding turns pairs", "set it to an even number, or to null for hidden_size / heads");
            }
        }
        else if (architecture is { Heads: >= 1, HiddenSize: >= 1 } && architecture.HiddenSize % (2L * architecture.Heads) != 0)
        {
            rules.Reject("hidden_size", Text(architecture.HiddenSize), $"a multiple of 2 · heads ({Text(2L * architecture.Heads)}), since head_size is null", "change hidden_size or heads, or set head_size");
        }

        rules.AtLeast("context_tokens", architecture.ContextTokens, 2);
        rules.Positive("rope_theta", architecture.RopeTheta, "10000.0");
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
