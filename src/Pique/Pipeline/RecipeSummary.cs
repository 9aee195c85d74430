using System.Globalization;
using Pique.Configuration;
using Pique.Quantization;

namespace Pique.Pipeline;

/// <summary>The resolved choices of a recipe in words, for the terminal's header and the report page.</summary>
public static class RecipeSummary
{
    /// <summary>Name and value of each choice.</summary>
    /// <param name="recipe">The recipe.</param>
    public static IReadOnlyList<(string Name, string Value)> Of(Recipe recipe)
    {
        QatConfig qat = recipe.Qat;
        TrainingRecipe training = recipe.Training;
        WeightQuantizationSpec weights = QuantizationPolicy.From(recipe).Base;
        return
        [
            ("model", recipe.Model),
            ("teacher", qat.UseDistillation ? recipe.Teacher ?? "the model itself" : "none"),
            ("grid", Text($"{weights.Bits} bits, {GridText.Of(weights)}")),
            ("granularity", GranularityText(qat.Granularity, recipe.ActivationBits)),
            ("overrides", recipe.Overrides.Count == 0 ? "none" : string.Join("; ", recipe.Overrides.Select(departure => OverrideText(departure, recipe.ActivationBits)))),
            ("calibration", CalibrationText(recipe.Calibration)),
            ("estimator", EstimatorText(weights.Estimator)),
            .. weights.OscillationDampening > 0 ? [("dampening", Text($"{weights.OscillationDampening} of oscillations"))] : Array.Empty<(string, string)>(),
            .. recipe.Lora is { } lora ? [("adapters", AdapterText(lora))] : Array.Empty<(string, string)>(),
            ("incoherence", qat.UseIncoherence ? "on" : "off"),
            ("loss", Text($"task {qat.LossWeights.LambdaTask}, distillation {qat.LossWeights.LambdaKd} at T = {qat.LossWeights.KdTemperature}, reasoning {qat.LossWeights.LambdaReasoning}")),
            .. training.ReasoningPreset != ReasoningPreset.Default ? [("reasoning", Text($"{training.ReasoningPreset} preset"))] : Array.Empty<(string, string)>(),
            .. training.TeacherCache is { } kept ? [("teacher outputs", Text($"kept, top {kept.TopK}"))] : Array.Empty<(string, string)>(),
            ("epochs", training.Mode == TrainingMode.Blockwise ? BlockwiseText(recipe) : Text($"{qat.Epochs}, of which {qat.WarmupEpochs} warm-up")),
            ("learning rate", Text($"weights {training.WeightLearningRate ?? qat.LearningRate}, scales {qat.LearningRate}, {ScheduleText(training)}")),
            .. EvaluationText(training) is { } evaluation ? [("evaluation", evaluation)] : Array.Empty<(string, string)>(),
            ("batch", Text($"{training.BatchTokens} tokens in rows of {recipe.Data.ContextTokens}") + MemoryText(training)),
            .. training.OptimizerStates == OptimizerStates.Int8 ? [("optimizer", "moments in 8 bits")] : Array.Empty<(string, string)>(),
            .. training.LatentWeights == LatentWeights.Bfloat16 ? [("latent weights", "bfloat16, rounded stochastically")] : Array.Empty<(string, string)>(),
            ("seed", Text($"{training.Seed}")),
        ];
    }

    private static string BlockwiseText(Recipe recipe)
    {
        BlockwiseRecipe blocks = recipe.Training.Blockwise ?? new();
        string rows = blocks.Rows is { } most ? Text($" on {most} rows") : "";
        float weights = blocks.WeightLearningRate ?? recipe.Training.WeightLearningRate ?? recipe.Qat.LearningRate;
        return Text($"{blocks.Epochs} for each block{rows} at {weights} (weights) and {blocks.LearningRate ?? recipe.Qat.LearningRate} (scales), ")
            + (blocks.ScalesEndToEnd ? Text($"then {recipe.Qat.Epochs} of all scales end to end") : "nothing end to end");
    }

    private static string ScheduleText(TrainingRecipe training) => training.Schedule == LearningRateSchedule.WarmupStableDecay
        ? Text($"warm-up, stable, decay over the last {100 * training.ScheduleDecayShare:G4} %")
        : training.Schedule.ToString();

    private static string MemoryText(TrainingRecipe training) =>
        (training.AccumulationSteps > 1 ? Text($", in {training.AccumulationSteps} parts") : "")
        + (training.GradientCheckpointing ? ", blocks computed again for gradients" : "");

    private static string? EvaluationText(TrainingRecipe training)
    {
        if (training.EvaluateEverySteps is not { } every)
        {
            return null;
        }

        return Text($"every {every} steps")
            + (training.KeepBest ? ", the best weights are kept" : "")
            + (training.EarlyStopEvaluations is { } patience ? Text($", ends after {patience} without a lower loss") : "");
    }

    private static string OverrideText(LayerOverride departure, int activationBits)
    {
        string?[] parts =
        [
            departure.FullPrecision ? "full precision" : null,
            departure.Bits is { } bits ? Text($"{bits} bits") : null,
            departure.AverageBits is { } average ? Text($"{average} bits on average, divided by sensitivity") : null,
            departure.Granularity is { } granularity ? GranularityText(granularity, activationBits) : null,
        ];
        return $"{departure.Pattern}: {string.Join(", ", parts.OfType<string>())}";
    }

    private static string AdapterText(LoraRecipe lora)
    {
        string rank = lora.Rank is LoraRank.Fixed given ? Text($"rank {given.Value}") : $"the greatest rank of {string.Join(", ", LoraRank.Auto.Candidates)} that fits";
        string targets = lora.TargetModules is LoraTargets.Named named ? string.Join(", ", named.Names) : "all linear layers but the head";
        string dropout = lora.Dropout > 0 ? Text($", dropout {lora.Dropout}") : "";
        return Text($"{rank}, alpha {lora.Alpha}{dropout}, on {targets}; frozen weights in {(lora.Base == FrozenStorage.Int8 ? "8 bits" : "bfloat16")}");
    }

    private static string CalibrationText(CalibrationRecipe calibration) => calibration switch
    {
        { Artifact: { } artifact } => artifact,
        { Method: CalibrationMethod.Rtn } => "covering scales, rounded to nearest",
        { Method: CalibrationMethod.Percentile } => Text($"the {100 * calibration.Percentile}th percentile of magnitudes"),
        { Method: CalibrationMethod.Mse } => calibration.WeighsErrors ? "least squared error, weighted by the inputs" : "least squared error",
        { Method: CalibrationMethod.Entropy } => "least divergence of magnitudes",
        { Method: CalibrationMethod.Gptq } => calibration.WeighsErrors ? "second-order rounding (GPTQ)" : "second-order rounding (GPTQ), scales not weighted by the inputs",
        _ => throw new ArgumentOutOfRangeException(nameof(calibration), calibration.Method, "Unknown calibration method."),
    };

    private static string GranularityText(QuantGranularity granularity, int activationBits) => granularity switch
    {
        QuantGranularity.PerTensor => "per tensor",
        QuantGranularity.PerChannel => "per channel",
        QuantGranularity.PerToken => Text($"per channel, activations per token at {activationBits} bits"),
        QuantGranularity.PerBlock block => Text($"per block of {block.BlockSize}"),
        _ => throw new ArgumentOutOfRangeException(nameof(granularity), granularity, "Unknown granularity."),
    };

    private static string EstimatorText(SteVariant variant) => variant switch
    {
        SteVariant.Standard => "standard straight-through",
        SteVariant.Clipped clipped => Text($"clipped at {clipped.ClipValue}"),
        SteVariant.LearnedStepSize => "learned step size",
        SteVariant.Ewgs ewgs => Text($"EWGS, λ = {ewgs.Lambda}"),
        SteVariant.EwgsSigned signed => Text($"signed EWGS, δ = {signed.Delta}"),
        _ => throw new ArgumentOutOfRangeException(nameof(variant), variant, "Unknown estimator."),
    };

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
