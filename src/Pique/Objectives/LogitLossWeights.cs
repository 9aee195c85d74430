using Pique.Configuration;
using Pique.Numerics.Kernels;

namespace Pique.Objectives;

/// <summary>Factors of the losses over logits. One that is 0 leaves its term out, the cross-entropy excepted.</summary>
/// <param name="Task">λ_task.</param>
/// <param name="Distillation">λ_kd.</param>
/// <param name="Divergence">λ_reasoning.</param>
/// <param name="Temperature">T of L_KD.</param>
internal readonly record struct LogitLossWeights(float Task, float Distillation, float Divergence, float Temperature)
{
    /// <summary>Factors of the gradients of Σ weight·nats: L_KD = T²·KL, and the divergence's own gradient is (p_s^T − p_t^T)/T.</summary>
    public RowFactors GradientFactors => new(Task, Distillation * Temperature, Divergence);

    /// <summary>The factors of a batch.</summary>
    /// <param name="weights">λs and temperature.</param>
    /// <param name="hasTeacher">Whether there is a teacher to follow.</param>
    /// <param name="reasons">Whether the batch has reasoning tokens.</param>
    public static LogitLossWeights Of(QatLossWeights weights, bool hasTeacher, bool reasons) => new(
        weights.LambdaTask, hasTeacher ? weights.LambdaKd : 0f, reasons ? weights.LambdaReasoning : 0f, weights.KdTemperature);
}
