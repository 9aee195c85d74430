using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>The losses over logits by plain torch operations and autograd: for devices other than the CPU, for heads that are more than a product, and as the reference that <see cref="FusedObjective"/> is tested against.</summary>
internal static class PlainObjective
{
    /// <summary>Computes the terms; docs/math.md §4.</summary>
    /// <param name="logits">The student's logits at the selected positions, shape [positions, vocabulary].</param>
    /// <param name="teacher">The teacher's distributions there, or null.</param>
    /// <param name="positions">The positions.</param>
    /// <param name="weights">Factors of the terms.</param>
    public static LogitTerms Compute(Tensor logits, TeacherRows? teacher, PositionSelection positions, LogitLossWeights weights)
    {
        using DisposeScope scope = NewDisposeScope();
        Device device = logits.device;
        Tensor mask = tensor(positions.Mask, device: device);
        Tensor task = TaskLoss.Compute(nn.functional.log_softmax(logits, -1), tensor(positions.Targets, device: device), mask);
        Tensor total = task.mul(HeldScalar.Of(weights.Task));
        Tensor? distillation = null, divergence = null;
        if (weights is not { Distillation: 0f, Divergence: 0f } && positions.Flat.Length > 0)
        {
            (Tensor own, Tensor other) = Pair(logits, teacher!.Read(0, positions.Flat.Length));
            if (weights.Distillation != 0)
            {
                distillation = DistillationLoss.Compute(LogSoftmax(own, weights.Temperature), LogSoftmax(other, weights.Temperature), mask, weights.Temperature);
                total = total.add(distillation.mul(HeldScalar.Of(weights.Distillation)), HeldScalar.Of(1));
            }

            if (weights.Divergence != 0)
            {
                divergence = DistillationLoss.Divergence(LogSoftmax(own, 1), LogSoftmax(other, 1)).mul(tensor(positions.DivergenceWeights, device: device)).sum();
                total = total.add(divergence.mul(HeldScalar.Of(weights.Divergence)), HeldScalar.Of(1));
            }
        }

        return new(total.MoveToOuterDisposeScope(), task.item<float>(), distillation?.item<float>() ?? 0, divergence?.item<float>() ?? 0);
    }

    /// <summary>Logits to compare: both models' own, or both models' buckets.</summary>
    private static (Tensor Own, Tensor Other) Pair(Tensor logits, TeacherLogits teacher)
    {
        if (teacher is not TeacherLogits.Likeliest likeliest)
            return (logits, ((TeacherLogits.All)teacher).Logits.to(logits.device));
        Tensor ids = likeliest.Ids.to(ScalarType.Int64).to(logits.device);
        Tensor others = logits.scatter(1, ids, full_like(logits, HeldScalar.Of(float.NegativeInfinity))).logsumexp(1, keepdim: true);
        return (cat([logits.gather(1, ids), others], 1), likeliest.LogProbabilities.to(logits.device));
    }

    private static Tensor LogSoftmax(Tensor logits, float temperature) =>
        nn.functional.log_softmax(temperature == 1 ? logits : logits.div(HeldScalar.Of(temperature)), -1);
}
