namespace Pique.Training;

/// <summary>Measurements of one step: one line of metrics.jsonl, field by field.</summary>
public sealed record StepMetrics
{
    /// <summary>Step, from 1.</summary>
    public required int Step { get; init; }

    /// <summary>Epoch, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>Weighted sum of the losses.</summary>
    public required double Loss { get; init; }

    /// <summary>Cross-entropy in nats per token.</summary>
    public required double TaskLoss { get; init; }

    /// <summary>Distillation loss; 0 where there is none.</summary>
    public required double KdLoss { get; init; }

    /// <summary>Reasoning loss; 0 where there is none.</summary>
    public required double ReasoningLoss { get; init; }

    /// <summary>Global gradient norm before clipping.</summary>
    public required double GradNorm { get; init; }

    /// <summary>Learning rate of the weights in this step.</summary>
    public required double LearningRate { get; init; }

    /// <summary>ρ: 0 for full precision, 1 for quantized.</summary>
    public required double QuantizationStrength { get; init; }

    /// <summary>Tokens of the batch, padding left out, over <see cref="StepSeconds"/>.</summary>
    public required double TokensPerSecond { get; init; }

    /// <summary>Duration of the step.</summary>
    public required double StepSeconds { get; init; }

    /// <summary>Most memory the process had in use at once since the epoch began; null where the system does not tell.</summary>
    public long? PeakMemoryBytes { get; init; }

    /// <summary>Held-out loss after the step, in nats per token, measured at full quantization strength; null where it was not measured.</summary>
    public double? HeldOutLoss { get; init; }
}
