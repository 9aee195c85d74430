using Pique.Configuration;

namespace Pique.Training;

/// <summary>Constants of AdamW.</summary>
public sealed record AdamWOptions
{
    /// <summary>β₁: decay of the first moment.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂: decay of the second moment.</summary>
    public double Beta2 { get; init; } = 0.95;

    /// <summary>ε, added to the root of the second moment.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>How the moments are held.</summary>
    public OptimizerStates States { get; init; }

    /// <summary>Seed of the stochastic rounding of bfloat16 parameters.</summary>
    public long Seed { get; init; }
}
