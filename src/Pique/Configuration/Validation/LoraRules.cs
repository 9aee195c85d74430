namespace Pique.Configuration;

/// <summary>The valid values of a <see cref="LoraRecipe"/>, and what of the recipe around it they rule out. Whether ranks and names fit a model shows only beside the model.</summary>
internal static class LoraRules
{
    public static void Check(Recipe recipe, RuleChecker rules)
    {
        if (recipe.Lora is not { } lora)
            return;
        if (lora.Rank is LoraRank.Fixed rank)
            rules.AtLeast("rank", rank.Value, 1);
        rules.Positive("alpha", lora.Alpha, "32.0");
        rules.Fraction("dropout", lora.Dropout, includesOne: false);
        if (lora.TargetModules is LoraTargets.Named named)
            CheckNames(named.Names, rules);
        if (recipe.Qat is { UseDistillation: true, FreezeTeacher: false })
            rules.Reject("", "adapters beside qat.freeze_teacher false", "a frozen teacher, which shares the frozen weights", "set qat.freeze_teacher to true, or lora to null");
        if (recipe.Training.ComputeType == ComputeType.Bfloat16)
            rules.Reject("", "adapters beside training.compute_type \"bfloat16\"", "float32 products, which are those of frozen weights", "set training.compute_type to \"float32\" or \"auto\", or lora to null");
        CheckCalibration(recipe.Calibration, rules);
        if (recipe.Overrides.Any(departure => departure.AverageBits is not null))
            rules.Reject("", "adapters beside bits that are left to calibration", "bits that are known before weights are frozen", "state the bits of every override, or set lora to null");
    }

    /// <summary>What calibration would have to read data for, or change weights by, would be silently without effect.</summary>
    private static void CheckCalibration(CalibrationRecipe calibration, RuleChecker rules)
    {
        const string Expected = "scales found from the frozen weights alone";
        if (calibration.Artifact is not null)
            rules.Reject("", "adapters beside calibration.artifact", "scales found for the adapted layers alone", "set calibration.artifact to null, or lora to null");
        if (calibration.Method == CalibrationMethod.Gptq)
            rules.Reject("", "adapters beside calibration.method \"gptq\"", $"{Expected}: second-order rounding changes weights", "set calibration.method to \"mse\", whose scales gptq takes, or lora to null");
        if (calibration.Weighted == true)
            rules.Reject("", "adapters beside calibration.weighted true", Expected, "set calibration.weighted to false, or lora to null");
        if (calibration.Samples is not null)
            rules.Reject("", "adapters beside calibration.samples", Expected, "set calibration.samples to null, or lora to null");
    }

    private static void CheckNames(IReadOnlyList<string> names, RuleChecker rules)
    {
        const string Expected = "names of linear layers, each once";
        if (names.Count == 0)
            rules.Reject("target_modules", "no name", Expected, $"add names as \"q_proj\", or write \"{LoraTargets.AllLinear.Text}\"");
        if (names.Any(string.IsNullOrWhiteSpace))
            rules.Reject("target_modules", "an empty name", Expected, "remove it");
        foreach (string repeated in names.GroupBy(name => name, StringComparer.Ordinal).Where(group => group.Count() > 1).Select(group => group.Key))
            rules.Reject("target_modules", $"{FaultCollector.Quote(repeated)} more than once", Expected, "keep one of them");
    }
}
