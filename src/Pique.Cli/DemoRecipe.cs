using Pique.Configuration;

namespace Pique.Cli;

/// <summary>How the demo trains: enough for the result to show, short enough to wait for.</summary>
internal static class DemoRecipe
{
    /// <summary>Records of each domain held out.</summary>
    private const int HeldOut = 300;

    /// <summary>The same of a quick demo.</summary>
    private const int QuickHeldOut = 60;

    /// <summary>Training counts of stories, problems and tool calls.</summary>
    private static readonly (int General, int Reasoning, int ToolUse) Counts = (3000, 6000, 3000);

    /// <summary>The same of a quick demo.</summary>
    private static readonly (int General, int Reasoning, int ToolUse) QuickCounts = (400, 800, 400);

    private const int Epochs = 3;
    private const int QuickEpochs = 1;
    private const int BatchTokens = 4096;
    private const int CheckpointSteps = 500;

    /// <summary>Seed of the demo's records, apart from that of the model's own training data.</summary>
    private const long CurriculumSeed = 20;

    /// <summary>Learning rate of the scales.</summary>
    private const float ScaleLearningRate = 1e-3f;

    /// <summary>Learning rate of the latent weights: coarse grids need larger moves.</summary>
    private static float WeightLearningRate(int bits) => bits switch
    {
        2 => 2e-3f,
        3 => 1e-3f,
        _ => 3e-4f,
    };

    /// <summary>Composes the demo's recipe.</summary>
    /// <param name="preset">Configuration: its grid, estimator and losses are kept.</param>
    /// <param name="model">Folder of the embedded model.</param>
    /// <param name="quick">Whether to be done within a minute.</param>
    /// <exception cref="InputException">The model cannot be read.</exception>
    public static Recipe Compose(QatConfig preset, string model, bool quick)
    {
        (int general, int reasoning, int toolUse) = quick ? QuickCounts : Counts;
        return new Recipe
        {
            Qat = preset with
            {
                Epochs = quick ? QuickEpochs : Epochs,
                WarmupEpochs = 0,
                LearningRate = ScaleLearningRate,
            },
            Model = model,
            Data = new DataRecipe
            {
                Curriculum = new CurriculumRecipe
                {
                    General = general,
                    Reasoning = reasoning,
                    ToolUse = toolUse,
                    Seed = CurriculumSeed,
                    HeldOut = quick ? QuickHeldOut : HeldOut,
                },
                ContextTokens = Math.Min(ModelShape.Read(model).ContextTokens, RecipeComposer.MaxContextTokens),
            },
            Training = new TrainingRecipe
            {
                BatchTokens = BatchTokens,
                WeightLearningRate = WeightLearningRate(preset.Bits),
                CheckpointSteps = CheckpointSteps,
            },
        };
    }

    /// <summary>Whether a recipe is one that this class composed, by its data: the curriculum alone, from the demo's seed.</summary>
    /// <param name="recipe">The recipe.</param>
    public static bool IsDemo(Recipe recipe) => recipe.Data is { Files.Count: 0, Curriculum.Seed: CurriculumSeed };
}
