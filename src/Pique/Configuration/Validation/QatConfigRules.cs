namespace Pique.Configuration;

/// <summary>The valid values of a <see cref="QatConfig"/>.</summary>
internal static class QatConfigRules
{
    public static void Check(QatConfig config, string path, FaultCollector faults)
    {
        RuleChecker rules = new(path, faults);
        CheckBits(rules, "bits", config.Bits);
        RuleChecker variant = rules.Within("ste_variant");
        switch (config.SteVariant)
        {
            case SteVariant.Clipped clipped:
                variant.Within("Clipped").Positive("clip_val", clipped.ClipValue, "1.0");
                break;
            case SteVariant.Ewgs ewgs:
                variant.Within("Ewgs").NotNegative("lambda", ewgs.Lambda);
                break;
            case SteVariant.EwgsSigned:
                VariantJson.RejectEwgsSigned(FaultCollector.Join(path, "ste_variant"), faults);
                break;
            default:
                break;
        }

        CheckGranularity(rules, "granularity", config.Granularity);
        RuleChecker weights = rules.Within("loss_weights");
        weights.NotNegative("lambda_task", config.LossWeights.LambdaTask);
        weights.NotNegative("lambda_kd", config.LossWeights.LambdaKd);
        weights.NotNegative("lambda_reasoning", config.LossWeights.LambdaReasoning);
        weights.Positive("kd_temperature", config.LossWeights.KdTemperature, "3.0");
        rules.AtLeast("epochs", config.Epochs, 1);
        rules.Positive("learning_rate", config.LearningRate, "0.0001");
        if (config.PiK is int k)
        {
            rules.OneOf("pi_k", k, 2, 3, 4, 5);
        }

        rules.AtLeast("warmup_epochs", config.WarmupEpochs, 0);
        rules.Positive("grad_clip", config.GradClip, "1.0, or to null for no clipping");
        rules.NotNegative("weight_decay", config.WeightDecay);
    }

    public static void CheckBits(RuleChecker rules, string field, int bits) => rules.OneOf(field, bits, 2, 3, 4, 5, 8);

    public static void CheckGranularity(RuleChecker rules, string field, QuantGranularity? granularity)
    {
        if (granularity is QuantGranularity.PerBlock block)
        {
            rules.Within(field).Within("PerBlock").AtLeast("block_size", block.BlockSize, 1);
        }
    }
}
