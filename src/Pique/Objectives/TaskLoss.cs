using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>Cross-entropy of the next token, in nats, averaged over unmasked positions; docs/math.md §4.</summary>
public static class TaskLoss
{
    /// <summary>Computes mean(−log p(target)) over the positions whose mask is 1.</summary>
    /// <param name="logProbabilities">Log-softmax of the logits, shape [positions, vocabulary].</param>
    /// <param name="targets">Next token ids, shape [positions], int64.</param>
    /// <param name="mask">1 where the position counts, else 0; shape [positions], float32.</param>
    /// <returns>A scalar; 0 where no position counts.</returns>
    public static Tensor Compute(Tensor logProbabilities, Tensor targets, Tensor mask)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor lossNats = logProbabilities.gather(1, targets.unsqueeze(1)).squeeze(1).neg();
        return MaskedMean.Compute(lossNats, mask).MoveToOuterDisposeScope();
    }
}
