using Pique.Calibration;
using Pique.Configuration;
using Pique.Evaluation;
using Pique.Formats;
using Pique.Quantization;
using Pique.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Benchmarks.Calibration;

/// <summary>Training from several starts: what each gives after the same steps.</summary>
internal static class StartStudy
{
    private const float WeightLearningRate = 1e-3f;
    private const int WarmupSteps = 5;

    private static readonly CalibrationRecipe Gptq = new() { Method = CalibrationMethod.Gptq, Weighted = true };

    /// <summary>Starts, and how far each moves latent weights towards their levels.</summary>
    private static readonly (string Name, CalibrationRecipe Recipe, double TowardsLevels)[] Starts =
    [
        ("mse", new() { Method = CalibrationMethod.Mse, Weighted = false }, 0),
        ("mse, weighted", new() { Method = CalibrationMethod.Mse, Weighted = true }, 0),
        ("gptq, weighted", Gptq, 0),
        ("gptq, weighted, latent weights halfway to their levels", Gptq, 0.5),
        ("gptq, weighted, latent weights at their levels", Gptq, 1),
    ];

    /// <summary>Trains from every start.</summary>
    /// <param name="model">Model and data.</param>
    /// <param name="steps">Steps of each training.</param>
    public static IEnumerable<CalibrationRow> Run(CalibratedStudyModel model, int steps)
    {
        foreach (IGrouping<CalibrationRecipe, (string Name, CalibrationRecipe Recipe, double TowardsLevels)> starts in Starts.GroupBy(start => start.Recipe))
        {
            Recipe recipe = model.Study.Recipe with
            {
                Qat = new QatConfig { Bits = 2, SteVariant = new SteVariant.LearnedStepSize(), WarmupEpochs = 0 },
                Calibration = starts.Key,
                Training = model.Study.Recipe.Training with { MaxSteps = steps, WeightLearningRate = WeightLearningRate, ScheduleWarmupSteps = WarmupSteps },
            };
            using CalibrationArtifact artifact = model.Calibrate(recipe);
            foreach ((string name, _, double towardsLevels) in starts)
            {
                using LoadedModel student = CalibratedStudyModel.Prepare(recipe, artifact);
                MoveTowardsLevels(student, towardsLevels);
                LanguageModelQuality before = model.Measure(student.Model);
                yield return new("2 bits, per row, before training", name, before.Perplexity, before.Teacher!.KlDivergence);
                using (Trainer trainer = new(student.Model, model.Study.Data.Train, TrainerOptions.From(recipe), model.Study.Teacher.Model))
                    trainer.Run();
                LanguageModelQuality after = model.Measure(student.Model);
                yield return new(FormattableString.Invariant($"2 bits, per row, after {steps} steps"), name, after.Perplexity, after.Teacher!.KlDivergence);
            }
        }
    }

    private static void MoveTowardsLevels(LoadedModel student, double share)
    {
        using IDisposable noGradient = no_grad();
        foreach ((_, IQuantizableLayer layer) in student.Model.QuantizableLayers.Where(entry => entry.Layer.WeightQuantizer is not null))
        {
            using DisposeScope scope = NewDisposeScope();
            layer.Weight.lerp_(layer.EffectiveWeight(), share);
        }
    }
}
