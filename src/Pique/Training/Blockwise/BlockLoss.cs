using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>The loss of a block: the mean squared error of what leaves it from what leaves the teacher's, over tokens and width; padding does not count.</summary>
internal static class BlockLoss
{
    /// <summary>Sum of the squared errors.</summary>
    /// <param name="output">What left the block, shape [rows, context, hidden].</param>
    /// <param name="batch">Targets and mask.</param>
    /// <returns>A scalar.</returns>
    public static Tensor SumOfSquares(Tensor output, ActivationBatch batch)
    {
        using DisposeScope scope = NewDisposeScope();
        return output.sub(batch.Targets).mul_(batch.Mask).Squared().sum().MoveToOuterDisposeScope();
    }
}
