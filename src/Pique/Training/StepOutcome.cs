namespace Pique.Training;

/// <summary>What one step came to.</summary>
/// <param name="Loss">Weighted sum of the losses.</param>
/// <param name="TaskLoss">Cross-entropy in nats per token.</param>
/// <param name="KdLoss">Distillation loss; 0 where there is none.</param>
/// <param name="ReasoningLoss">Reasoning loss; 0 where there is none.</param>
/// <param name="GradNorm">Global gradient norm of the student before clipping.</param>
/// <param name="Fault">What was not finite, so that no parameter changed; null for a step that was made.</param>
internal sealed record StepOutcome(double Loss, double TaskLoss, double KdLoss, double ReasoningLoss, double GradNorm, string? Fault);
