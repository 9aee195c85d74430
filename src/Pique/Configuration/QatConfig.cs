namespace Pique.Configuration;

/// <summary>The quantization-aware-training configuration: the contract shared with the runtime it comes from.</summary>
public sealed partial record QatConfig
{
    /// <summary>4 bits, per channel, uniform, plain straight-through.</summary>
    public static QatConfig Default { get; } = new();

    /// <summary>3 bits on the grid α·π/4.</summary>
    public static QatConfig PiQ3 { get; } = Pi(bits: 3, k: 4);

    /// <summary>2 bits on the grid α·π/3, with incoherence.</summary>
    public static QatConfig PiQ2 { get; } = Pi(bits: 2, k: 3) with { UseIncoherence = true };

    /// <summary>Bits of every quantized weight: 2, 3, 4, 5 or 8.</summary>
    public int Bits { get; init; } = 4;

    /// <summary>Gradient through rounding.</summary>
    public SteVariant SteVariant { get; init; } = new SteVariant.Standard();

    /// <summary>Which weights share a scale.</summary>
    public QuantGranularity Granularity { get; init; } = new QuantGranularity.PerChannel();

    /// <summary>Weights of the composite loss.</summary>
    public QatLossWeights LossWeights { get; init; } = new();

    /// <summary>Passes over the training data.</summary>
    public int Epochs { get; init; } = 3;

    /// <summary>Learning rate of quantization parameters, and of weights unless the recipe says otherwise.</summary>
    public float LearningRate { get; init; } = 1e-4f;

    /// <summary>k of the pi grid, step = α·π/k; null for the uniform grid.</summary>
    public int? PiK { get; init; }

    /// <summary>Hadamard rotation before quantization.</summary>
    public bool UseIncoherence { get; init; }

    /// <summary>Symmetric grid; false gives an integer zero point.</summary>
    public bool Symmetric { get; init; } = true;

    /// <summary>Epochs over which the quantization strength rises from 0 to 1.</summary>
    public int WarmupEpochs { get; init; } = 1;

    /// <summary>Largest global gradient norm, or null for no clipping.</summary>
    public float? GradClip { get; init; } = 1.0f;

    /// <summary>Decoupled weight decay, on weight matrices only.</summary>
    public float WeightDecay { get; init; } = 0.01f;

    /// <summary>Distil from a teacher; false loads none.</summary>
    public bool UseDistillation { get; init; } = true;

    /// <summary>Keep the teacher's weights fixed and check their digest.</summary>
    public bool FreezeTeacher { get; init; } = true;

    /// <summary>The default at another width.</summary>
    /// <param name="bits">2, 3, 4, 5 or 8; another value is found by validation.</param>
    /// <returns>The configuration.</returns>
    public static QatConfig WithBits(int bits) => new() { Bits = bits };

    /// <summary>A pi grid whose α is learned.</summary>
    /// <param name="bits">2, 3, 4, 5 or 8.</param>
    /// <param name="k">2, 3, 4 or 5: the step is α·π/k.</param>
    /// <returns>The configuration.</returns>
    public static QatConfig Pi(int bits, int k) => new() { Bits = bits, PiK = k, SteVariant = new SteVariant.LearnedStepSize() };

    /// <summary>Finds everything that is wrong with the values.</summary>
    /// <returns>Every fault, in the order of the fields; none where the configuration is valid.</returns>
    public IReadOnlyList<ConfigurationFault> Validate()
    {
        FaultCollector faults = new();
        QatConfigRules.Check(this, "", faults);
        return faults.Faults;
    }
}
