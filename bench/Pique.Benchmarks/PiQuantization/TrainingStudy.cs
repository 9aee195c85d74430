using Pique.Configuration;
using Pique.Evaluation;
using Pique.Formats;
using Pique.Numerics;
using Pique.Pipeline;
using Pique.Quantization;
using Pique.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Benchmarks.PiQuantization;

/// <summary>Short trainings of equal budget that differ in the parametrisation of the grid alone.</summary>
/// <remarks>
/// All start at the steps of least squared error. Under Adam a change of α changes the step by π/k of it, so the matched learning rate
/// of α is k/π of that of s; what then still differs is rounding in float32, Adam's ε and the norm at which gradients are clipped.
/// </remarks>
internal static class TrainingStudy
{
    private const int ScheduleWarmupSteps = 10;
    private static readonly long[] Seeds = [0, 1];

    /// <summary>Trains every grid with every seed.</summary>
    /// <param name="study">Model and data.</param>
    /// <param name="bits">Bits a code.</param>
    /// <param name="k">k of the pi grid.</param>
    /// <param name="steps">Steps of each training.</param>
    /// <param name="scaleRate">Learning rate of s, and of α where it is the same.</param>
    public static IEnumerable<TrainingRow> Run(StudyModel study, int bits, int k, int steps, float scaleRate)
    {
        QatConfig pi = QatConfig.Pi(bits, k) with { Epochs = steps, WarmupEpochs = 0, LearningRate = scaleRate };
        (string Name, QatConfig Config)[] grids =
        [
            ("uniform", pi with { PiK = null }),
            ($"pi k {k}, same rate", pi),
            ($"pi k {k}, matched rate", pi with { LearningRate = (float)(scaleRate * k / Math.PI) }),
        ];
        foreach (long seed in Seeds)
        {
            foreach ((string name, QatConfig config) in grids)
                yield return Train(study, name, RecipeOf(study, config, steps, seed));
        }
    }

    private static Recipe RecipeOf(StudyModel study, QatConfig config, int steps, long seed) => study.Recipe with
    {
        Qat = config,
        Training = study.Recipe.Training with
        {
            Seed = seed,
            MaxSteps = steps,
            ScheduleWarmupSteps = ScheduleWarmupSteps,
            WeightLearningRate = config.Bits == 2 ? 1e-3f : 2e-4f, // Coarse grids need larger moves.
        },
    };

    private static TrainingRow Train(StudyModel study, string name, Recipe recipe)
    {
        using DisposeScope scope = NewDisposeScope();
        using LoadedModel student = ModelLoader.Load(recipe.Model);
        PreparedData data = PreparedData.Create(PreparedData.Divide(recipe.Data), student.Tokenizer, recipe.Data.ContextTokens, recipe.Training);
        ModelQuantizer.Prepare(student.Model.QuantizableLayers, QuantizationPolicy.From(recipe).SpecFor, ScaleMethod.MinimumError);
        Tensor first = StepsOf(student);
        using (Trainer trainer = new(student.Model, data.Train, TrainerOptions.From(recipe), study.Teacher.Model))
            trainer.Run();
        Tensor last = StepsOf(student);
        LanguageModelQuality quality = LanguageModelEvaluator.Evaluate(
            student.Model, data.HeldOut.Batches(epoch: 0), data.HeldOutBytes, study.Teacher.Model);
        return new(
            recipe.Qat.Bits, name, recipe.Training.Seed, quality.Perplexity, quality.Teacher!.KlDivergence,
            AnswerEvaluator.Reasoning(student.Model, student.Tokenizer, data.HeldOutRecords)?.Accuracy,
            last.sub(first).abs().div(first).mean().item<float>());
    }

    private static Tensor StepsOf(LoadedModel model) => cat([.. model.Model.QuantizableLayers
        .Where(entry => entry.Layer.WeightQuantizer is not null)
        .Select(entry => entry.Layer.WeightQuantizer!.CurrentScales(entry.Layer.Weight).Scales)]);
}
