using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>The part of the reasoning loss that keeps the direction of the student's hidden states close to the teacher's; docs/math.md §4.</summary>
/// <remarks>
/// μ_step · mean over steps of w_step·(1 − cos(h_s, h_t)) + μ_traj · mean over consecutive steps of (1 − cos(Δh_s, Δh_t)).
/// The answer counts as a step here. h are final-layer hidden states, so student and teacher must share their basis. The other part,
/// μ_ans · mean KL(p_t ‖ p_s) over the answer's tokens + mean over steps of the KL summed over the step's tokens (temperature 1), is
/// a loss over logits: <see cref="ReasoningPlan.TokenWeights"/> has its weights.
/// </remarks>
internal static class ReasoningLoss
{
    /// <summary>Computes the loss.</summary>
    /// <param name="plan">Positions and weights; not empty.</param>
    /// <param name="options">Weights.</param>
    /// <param name="studentHidden">Final-layer hidden states, shape [rows·context, hidden].</param>
    /// <param name="teacher">The teacher's at <see cref="ReasoningPlan.StepEnds"/>, shape [ends, hidden].</param>
    /// <returns>A scalar.</returns>
    public static Tensor Compute(ReasoningPlan plan, ReasoningLossOptions options, Tensor studentHidden, Tensor teacher)
    {
        using DisposeScope scope = NewDisposeScope();
        Device device = studentHidden.device;
        Tensor ends = tensor(plan.StepEnds.ToArray(), device: device);
        Tensor student = studentHidden.index_select(0, ends);

        Tensor stepWeights = tensor(plan.StepWeights.ToArray(), device: device);
        Tensor total = AngularDistance(student, teacher).mul(stepWeights).mean().mul(HeldScalar.Of(options.MuStep));
        if (plan.PairStarts.Count > 0)
        {
            Tensor from = tensor(plan.PairStarts.ToArray(), device: device);
            Tensor to = tensor(plan.PairEnds.ToArray(), device: device);
            Tensor studentMove = student.index_select(0, to) - student.index_select(0, from);
            Tensor teacherMove = teacher.index_select(0, to) - teacher.index_select(0, from);
            total = total.add(AngularDistance(studentMove, teacherMove).mean().mul(HeldScalar.Of(options.MuTrajectory)), HeldScalar.Of(1));
        }

        return total.MoveToOuterDisposeScope();
    }

    private static Tensor AngularDistance(Tensor student, Tensor teacher) =>
        nn.functional.cosine_similarity(student, teacher, dim: 1).neg().add(HeldScalar.Of(1), HeldScalar.Of(1));
}
