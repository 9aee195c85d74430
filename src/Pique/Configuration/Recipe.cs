namespace Pique.Configuration;

/// <summary>A training run: the configuration and everything it leaves open.</summary>
public sealed record Recipe
{
    /// <summary>Bits of fake-quantized activations where none are given.</summary>
    public const int DefaultActivationBits = 8;

    /// <summary>The quantization-aware-training configuration.</summary>
    public QatConfig Qat { get; init; } = new();

    /// <summary>Path of the full-precision model; in a recipe file, relative to the recipe's folder.</summary>
    public string Model { get; init; } = "";

    /// <summary>Path of the teacher; null takes the model itself.</summary>
    public string? Teacher { get; init; }

    /// <summary>Training and held-out records.</summary>
    public DataRecipe Data { get; init; } = new();

    /// <summary>Bits of activations under <see cref="QuantGranularity.PerToken"/>, 2 to 8; other granularities leave activations alone.</summary>
    public int ActivationBits { get; init; } = DefaultActivationBits;

    /// <summary>Optimizer, schedule and checkpoints.</summary>
    public TrainingRecipe Training { get; init; } = new();

    /// <summary>Search for the initial scales.</summary>
    public CalibrationRecipe Calibration { get; init; } = new();

    /// <summary>Departures by layer name; the last whose pattern fits a layer applies to it.</summary>
    public IReadOnlyList<LayerOverride> Overrides { get; init; } = LayerOverride.Defaults;

    /// <summary>Finds everything that is wrong with the values.</summary>
    /// <returns>Every fault, in the order of the fields; none where the recipe is valid.</returns>
    public IReadOnlyList<ConfigurationFault> Validate()
    {
        FaultCollector faults = new();
        RecipeRules.Check(this, faults);
        return faults.Faults;
    }
}
