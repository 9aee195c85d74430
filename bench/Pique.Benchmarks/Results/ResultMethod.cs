using Pique.Configuration;

namespace Pique.Benchmarks.Results;

/// <summary>A way to a low-bit model: a row of the table.</summary>
/// <param name="Name">Name in the table and on the command line.</param>
/// <param name="IsTrained">Whether the model is trained; else it is measured as calibration leaves it.</param>
/// <param name="Apply">What it changes in the recipe of a model.</param>
internal sealed record ResultMethod(string Name, bool IsTrained, Func<Recipe, Recipe> Apply)
{
    public static IReadOnlyList<ResultMethod> All { get; } =
    [
        new("RTN", false, recipe => recipe with { Calibration = new() { Method = CalibrationMethod.Rtn } }),
        new("MSE", false, recipe => recipe with { Calibration = new() { Method = CalibrationMethod.Mse, Weighted = true } }),
        new("GPTQ", false, recipe => recipe with { Calibration = new() { Method = CalibrationMethod.Gptq, Weighted = true } }),
        new("QAT", true, recipe => recipe with { Training = recipe.Training with { ComputeType = ComputeType.Float32 } }),
        new("QAT in bfloat16", true, recipe => recipe with { Training = recipe.Training with { ComputeType = ComputeType.Bfloat16 } }),
        new("QAT+rotation", true, recipe => recipe with { Qat = recipe.Qat with { UseIncoherence = true } }),
        new("LoRA-QAT r16", true, recipe => recipe with
        {
            Lora = new LoraRecipe { Rank = new LoraRank.Fixed(16) },
            Training = recipe.Training with { WeightLearningRate = ResultModel.AdapterLearningRate },
        }),
    ];
}
