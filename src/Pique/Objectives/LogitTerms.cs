using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>What the losses over logits give.</summary>
/// <param name="Total">λ_task·L_task + λ_kd·L_KD + λ_reasoning·(divergence of reasoning tokens): a scalar to differentiate.</param>
/// <param name="Task">L_task in nats per token.</param>
/// <param name="Distillation">L_KD; 0 where it is not computed.</param>
/// <param name="TokenDivergence">The reasoning loss's divergence of step and answer tokens; 0 where it is not computed.</param>
internal readonly record struct LogitTerms(Tensor Total, double Task, double Distillation, double TokenDivergence);
