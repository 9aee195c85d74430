using Pique.Configuration;

namespace Pique.Cli;

/// <summary>How the demo trains: enough for the result to show, short enough to wait for.</summary>
internal static class DemoRecipe
{
    /// <summary>Records of each domain held out.</summary>
    private const int HeldOut = 250;

    /// <summary>The same of a quick demo.</summary>
    private const int QuickHeldOut = 60;

    /// <summary>Training counts of stories, problems and tool calls.</summary>
    private static readonly (int General, int Reasoning, int ToolUse) Counts = (1000, 3000, 4000);

    /// <summary>The same of a quick demo.</summary>
    private static readonly (int General, int Reasoning, int ToolUse) QuickCounts = (100, 300, 400);

    private const int ContextTokens = 192;
    private const int BatchTokens = 8 * ContextTokens;
    private const int ScheduleWarmupSteps = 10;

    /// <summary>Seed of the demo's records, apart from that of the model's own training data.</summary>
    private const long CurriculumSeed = 20;

    /// <summary>Learning rate of the latent weights: coarse grids need larger moves.</summary>
    private static float WeightLearningRate(int bits) => bits switch
    {
        2 => 1e-3f,
        3 => 2e-4f,
        _ => 1e-4f,
    };

    /// <summary>Composes the demo's recipe.</summary>
    /// <param name="preset">Configuration: its grid, estimator, losses and learning rate of the scales are kept.</param>
    /// <param name="model">Folder of the embedded model.</param>
    /// <param name="quick">Whether to be done within a minute.</param>
    public static Recipe Compose(QatConfig preset, string model, bool quick)
    {
        (int general, int reasoning, int toolUse) = quick ? QuickCounts : Counts;
        return new Recipe
        {
            Qat = preset with { Epochs = 1, WarmupEpochs = 0 },
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
                ContextTokens = ContextTokens,
            },
            Training = new TrainingRecipe
            {
                BatchTokens = BatchTokens,
                WeightLearningRate = WeightLearningRate(preset.Bits),
                ScheduleWarmupSteps = ScheduleWarmupSteps,
            },
        };
    }

    /// <summary>Whether a recipe is one that this class composed, of whatever configuration, model and seed.</summary>
    /// <param name="recipe">The recipe.</param>
    public static bool IsDemo(Recipe recipe)
    {
        string written = RecipeJson.Write(recipe with { Training = recipe.Training with { Seed = new TrainingRecipe().Seed } });
        return Composed(quick: false) == written || Composed(quick: true) == written;

        string Composed(bool quick) => RecipeJson.Write(Compose(recipe.Qat, recipe.Model, quick));
    }
}
