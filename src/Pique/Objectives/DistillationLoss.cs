using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>T²·KL(p_teacher^T ‖ p_student^T) with p^T = softmax(logits / T), averaged over unmasked positions; docs/math.md §4.</summary>
/// <remarks>Hinton et al. 2015, arXiv:1503.02531. The gradient with respect to the student's logits is T·(p_student^T − p_teacher^T) / positions. No gradient reaches the teacher.</remarks>
public static class DistillationLoss
{
    /// <summary>Computes the masked mean.</summary>
    /// <param name="studentLogProbabilities">log_softmax(logits / T) of the student, shape [positions, vocabulary].</param>
    /// <param name="teacherLogProbabilities">The same of the teacher.</param>
    /// <param name="mask">1 where the position counts, else 0; shape [positions], float32.</param>
    /// <param name="temperature">T, the one both were computed with; greater than zero.</param>
    /// <returns>A scalar; 0 where no position counts.</returns>
    public static Tensor Compute(Tensor studentLogProbabilities, Tensor teacherLogProbabilities, Tensor mask, float temperature)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor divergence = Divergence(studentLogProbabilities, teacherLogProbabilities);
        return MaskedMean.Compute(divergence, mask).mul(HeldScalar.Of(temperature * temperature)).MoveToOuterDisposeScope();
    }

    /// <summary>Computes KL(p_teacher ‖ p_student) of each position, in nats.</summary>
    /// <param name="studentLogProbabilities">Shape [positions, vocabulary].</param>
    /// <param name="teacherLogProbabilities">Shape [positions, vocabulary].</param>
    /// <returns>Shape [positions].</returns>
    public static Tensor Divergence(Tensor studentLogProbabilities, Tensor teacherLogProbabilities)
    {
        using DisposeScope scope = NewDisposeScope();
        // The difference of the logarithms comes first: entropy minus cross-entropy would cancel where both models agree.
        Tensor teacher = teacherLogProbabilities.detach();
        return teacher.exp().mul(teacher - studentLogProbabilities).sum(-1).MoveToOuterDisposeScope();
    }
}
