using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>Keeps the student's chain of thought close to the teacher's; math of record §4.</summary>
/// <remarks>
/// μ_step · mean over steps of w_step·(1 − cos(h_s, h_t)) + μ_traj · mean over consecutive steps of (1 − cos(Δh_s, Δh_t))
/// + μ_ans · mean KL(p_t ‖ p_s) over the answer's tokens + mean over steps of the KL summed over the step's tokens (temperature 1).
/// The answer counts as a step in the first two terms. h are final-layer hidden states, so student and teacher must share their basis.
/// </remarks>
internal static class ReasoningLoss
{
    /// <summary>Computes the loss.</summary>
    /// <param name="plan">Positions and weights; not empty.</param>
    /// <param name="options">Weights.</param>
    /// <param name="studentHidden">Final-layer hidden states, shape [rows·context, hidden].</param>
    /// <param name="teacherHidden">The same of the teacher.</param>
    /// <param name="tokenDivergence">KL(p_t ‖ p_s) at the positions of <see cref="ReasoningPlan.TokenWeights"/>, in their order; shape [tokens].</param>
    /// <returns>A scalar.</returns>
    public static Tensor Compute(ReasoningPlan plan, ReasoningLossOptions options, Tensor studentHidden, Tensor teacherHidden, Tensor tokenDivergence)
    {
        using DisposeScope scope = NewDisposeScope();
        Device device = studentHidden.device;
        Tensor ends = tensor(plan.StepEnds.ToArray(), device: device);
        Tensor student = studentHidden.index_select(0, ends);
        Tensor teacher = teacherHidden.detach().index_select(0, ends);

        Tensor stepWeights = tensor(plan.StepWeights.ToArray(), device: device);
        Tensor total = AngularDistance(student, teacher).mul(stepWeights).mean().mul(HeldScalar.Of(options.MuStep));
        if (plan.PairStarts.Count > 0)
        {
            Tensor from = tensor(plan.PairStarts.ToArray(), device: device);
            Tensor to = tensor(plan.PairEnds.ToArray(), device: device);
            Tensor studentMove = student.index_select(0, to) - student.index_select(0, from);
            Tensor teacherMove = teacher.index_select(0, to) - teacher.index_select(0, from);
            total += AngularDistance(studentMove, teacherMove).mean().mul(HeldScalar.Of(options.MuTrajectory));
        }

        Tensor tokenWeights = tensor(plan.TokenWeights.Values.ToArray(), device: device);
        return (total + tokenDivergence.mul(tokenWeights).sum()).MoveToOuterDisposeScope();
    }

    private static Tensor AngularDistance(Tensor student, Tensor teacher) =>
        nn.functional.cosine_similarity(student, teacher, dim: 1).neg().add(HeldScalar.Of(1));
}
