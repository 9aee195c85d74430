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

    /// <summary>Where the levels of the weights lie; an override that states bits of its own leaves it for <see cref="WeightGrid.Auto"/>.</summary>
    public WeightGrid Grid { get; init; }

    /// <summary>The estimator in place of the configuration's, for one that its format lacks: <see cref="SteVariant.EwgsSigned"/>; null for the configuration's.</summary>
    public SteVariant? Estimator { get; init; }

    /// <summary>Choose k of the pi grid for every output channel by least squared error; <see cref="QatConfig.PiK"/> then only asks for a pi grid.</summary>
    public bool PiKPerChannel { get; init; }

    /// <summary>Weight of the oscillation dampening (Nagel et al. 2022, arXiv:2203.08086, equation 6); 0 for none.</summary>
    public float OscillationDampening { get; init; }

    /// <summary>Optimizer, schedule and checkpoints.</summary>
    public TrainingRecipe Training { get; init; } = new();

    /// <summary>Training by adapters on frozen weights; null trains the weights themselves.</summary>
    public LoraRecipe? Lora { get; init; }

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

    /// <summary>Finds what is wrong with the quantization alone, for use without training, where model and data are no part of it.</summary>
    /// <returns>Every fault; none where the quantization is valid.</returns>
    public IReadOnlyList<ConfigurationFault> ValidateQuantization()
    {
        FaultCollector faults = new();
        RecipeRules.CheckQuantization(this, faults);
        return faults.Faults;
    }
}
