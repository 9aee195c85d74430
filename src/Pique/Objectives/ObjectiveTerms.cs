using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>What an objective gives for one batch.</summary>
/// <param name="Total">λ_task·L_task + λ_kd·L_KD + λ_reasoning·L_reasoning: the scalar to differentiate.</param>
/// <param name="Task">L_task in nats per token, unweighted.</param>
/// <param name="Distillation">L_KD, unweighted; 0 where it is not computed.</param>
/// <param name="Reasoning">L_reasoning, unweighted; 0 where it is not computed.</param>
/// <param name="TeacherTask">L_task of a teacher that learns, as a scalar to differentiate; null for a frozen one.</param>
public sealed record ObjectiveTerms(Tensor Total, float Task, float Distillation, float Reasoning, Tensor? TeacherTask) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Total.Dispose();
        TeacherTask?.Dispose();
    }
}
