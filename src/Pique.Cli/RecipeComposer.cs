using Pique.Configuration;
using Pique.Formats;

namespace Pique.Cli;

/// <summary>Makes a recipe of a configuration, a model and data files: the choices that a bare configuration leaves open.</summary>
internal static class RecipeComposer
{
    /// <summary>Longest rows to train on, in tokens.</summary>
    public const int MaxContextTokens = 256;

    /// <summary>Tokens of one optimizer step.</summary>
    public const int BatchTokens = 2048;

    /// <summary>Learning rate of the latent weights, higher than that of the scales.</summary>
    public const float WeightLearningRate = 1e-3f;

    /// <summary>Share of the records kept for the closing measurement.</summary>
    public const float HeldOutShare = DataRecipe.DefaultHeldOutShare;

    /// <summary>Composes a recipe.</summary>
    /// <param name="qat">The configuration.</param>
    /// <param name="model">Path of the model.</param>
    /// <param name="dataFiles">Text and JSONL files, see <see cref="DataArgument"/>.</param>
    /// <param name="grid">Where the levels of the weights lie.</param>
    /// <returns>The recipe, its paths absolute.</returns>
    /// <exception cref="InputException">The model cannot be read.</exception>
    /// <exception cref="ConfigurationException">The choices do not fit together; lists every fault.</exception>
    public static Recipe Compose(QatConfig qat, string model, IReadOnlyList<string> dataFiles, WeightGrid grid = WeightGrid.Auto)
    {
        var recipe = new Recipe
        {
            Qat = qat,
            Model = Path.GetFullPath(model),
            Data = new DataRecipe
            {
                Files = [.. dataFiles.Select(DataArgument.Parse)],
                HeldOutShare = HeldOutShare,
                ContextTokens = Math.Min(ModelLoader.ReadConfig(model).UsableContextTokens, MaxContextTokens),
            },
            Grid = grid,
            Training = new TrainingRecipe { BatchTokens = BatchTokens, WeightLearningRate = WeightLearningRate },
        };
        return Checked(recipe, "the composed recipe");
    }

    /// <summary>The recipe, once it is certain to be valid.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="source">What to call it in the message.</param>
    /// <exception cref="ConfigurationException">It is not valid; lists every fault.</exception>
    public static Recipe Checked(Recipe recipe, string source) =>
        recipe.Validate() is { Count: > 0 } faults ? throw new ConfigurationException(source, faults) : recipe;
}
