namespace Pique.Configuration;

/// <summary>Weights of the composite loss.</summary>
public sealed record QatLossWeights
{
    /// <summary>Weight of the next-token cross-entropy.</summary>
    public float LambdaTask { get; init; } = 1.0f;

    /// <summary>Weight of the distillation loss.</summary>
    public float LambdaKd { get; init; } = 0.5f;

    /// <summary>Weight of the reasoning-fidelity loss.</summary>
    public float LambdaReasoning { get; init; } = 0.2f;

    /// <summary>Softmax temperature T of the distillation loss.</summary>
    public float KdTemperature { get; init; } = 3.0f;
}
