namespace Pique.Configuration;

/// <summary>The quantization-aware-training configuration: the contract shared with the runtime it comes from.</summary>
public sealed record QatConfig
{
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
}
