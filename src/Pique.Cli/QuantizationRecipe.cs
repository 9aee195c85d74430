using Pique.Configuration;
using Pique.Data;
using Pique.Pipeline;

namespace Pique.Cli;

/// <summary>Makes the recipe of a quantization without training, and finds the records it calibrates on.</summary>
internal static class QuantizationRecipe
{
    /// <summary>Composes a recipe.</summary>
    /// <param name="model">Path of the model.</param>
    /// <param name="configName">Preset, configuration or training recipe.</param>
    /// <param name="grid">Where the levels of the weights lie; null keeps the recipe's.</param>
    /// <param name="method">How scales and codes are found; null keeps the recipe's, or takes what the data allows.</param>
    /// <param name="dataFiles">Files to calibrate on, see <see cref="DataArgument"/>; none keeps the recipe's.</param>
    /// <param name="artifact">Path of a calibration to use; null calibrates.</param>
    /// <returns>The recipe, with model and artifact as they are given and absolute paths of data. It need not be one that could be trained.</returns>
    /// <exception cref="InputException">The configuration cannot be read.</exception>
    /// <exception cref="ConfigurationException">The choices do not fit together; lists every fault.</exception>
    public static Recipe Compose(string model, string configName, WeightGrid? grid, CalibrationMethod? method, IReadOnlyList<string> dataFiles, string? artifact)
    {
        Recipe recipe = Load(configName, hasData: dataFiles.Count > 0) with { Model = model };
        Recipe chosen = recipe with
        {
            Grid = grid ?? recipe.Grid,
            Data = dataFiles.Count == 0 ? recipe.Data : DataOf(dataFiles),
            Calibration = recipe.Calibration.By(method) with { Artifact = artifact ?? recipe.Calibration.Artifact },
        };
        return chosen.ValidateQuantization() is { Count: > 0 } faults ? throw new ConfigurationException("--config with --grid", faults) : chosen;
    }

    /// <summary>The records to calibrate on: those a run of the recipe would train on; null where it has none or takes an artifact.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <exception cref="InputException">A file cannot be read.</exception>
    public static IReadOnlyList<SourcedRecord>? Records(Recipe recipe) => recipe switch
    {
        { Calibration.Artifact: not null } or { Data: { Files.Count: 0, Curriculum: null } } => null,
        { Data: { HeldOutShare: 0, Curriculum: null } data } => [.. data.Files.SelectMany(file => RecordReader.Read(file.Path, file.Domain))],
        _ => PreparedData.Divide(recipe.Data).Train,
    };

    private static Recipe Load(string configName, bool hasData) => ConfigurationSource.Resolve(configName) switch
    {
        ConfigurationSource.Bare bare => new Recipe
        {
            Qat = bare.Config,
            Calibration = new CalibrationRecipe { Method = hasData ? CalibrationMethod.Gptq : CalibrationMethod.Mse },
        },
        ConfigurationSource.Training training => training.Recipe,
        _ => throw new InputException($"--config: {configName} is a pretraining recipe, expected a configuration or a training recipe. Name one of the presets {string.Join(", ", Presets.Names)}, or another file."),
    };

    /// <summary>All records of the files: nothing is measured here that any would have to be held out for.</summary>
    private static DataRecipe DataOf(IReadOnlyList<string> dataFiles) => new()
    {
        Files = [.. dataFiles.Select(DataArgument.Parse)],
        HeldOutShare = 0,
        ContextTokens = RecipeComposer.MaxContextTokens,
    };
}
