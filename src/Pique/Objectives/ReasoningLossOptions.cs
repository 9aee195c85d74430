using Pique.Configuration;
using Pique.Data;

namespace Pique.Objectives;

/// <summary>Weights of the reasoning loss; docs/math.md §4.</summary>
public sealed record ReasoningLossOptions
{
    /// <summary>For written arithmetic: (0.4, 0.4, 0.4).</summary>
    public static ReasoningLossOptions Math { get; } = new() { MuStep = 0.4f, MuTrajectory = 0.4f, MuAnswer = 0.4f };

    /// <summary>For program text: (0.2, 0.6, 0.3).</summary>
    public static ReasoningLossOptions Code { get; } = new() { MuStep = 0.2f, MuTrajectory = 0.6f, MuAnswer = 0.3f };

    /// <summary>μ_step: weight of the direction of each step's last hidden state.</summary>
    public float MuStep { get; init; } = 0.3f;

    /// <summary>μ_traj: weight of the direction in which the hidden state moves from step to step.</summary>
    public float MuTrajectory { get; init; } = 0.5f;

    /// <summary>μ_ans: weight of the divergence over the answer's tokens.</summary>
    public float MuAnswer { get; init; } = 0.2f;

    /// <summary>Weight of the divergence summed over each step's tokens; docs/math.md §4 gives it none, hence 1.</summary>
    public float MuStepTokens { get; init; } = 1.0f;

    /// <summary>w_step of the answer and of the conclusion.</summary>
    public float ConclusionWeight { get; init; } = 2.0f;

    /// <summary>w_step of a step that calculates.</summary>
    public float CalculationWeight { get; init; } = 1.5f;

    /// <summary>w_step of any other step.</summary>
    public float StepWeight { get; init; } = 1.0f;

    /// <summary>The weights of a preset.</summary>
    /// <param name="preset">The preset.</param>
    public static ReasoningLossOptions Of(ReasoningPreset preset) => preset switch
    {
        ReasoningPreset.Math => Math,
        ReasoningPreset.Code => Code,
        _ => new(),
    };

    /// <summary>w_step of a span.</summary>
    /// <param name="kind">Part the span plays.</param>
    public float WeightOf(ReasoningSpanKind kind) => kind switch
    {
        ReasoningSpanKind.Answer or ReasoningSpanKind.Conclusion => ConclusionWeight,
        ReasoningSpanKind.Calculation => CalculationWeight,
        _ => StepWeight,
    };
}
