using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Objectives;

/// <summary>Mean over the positions that count.</summary>
internal static class MaskedMean
{
    /// <summary>Computes Σ mask·values / max(1, Σ mask): an all-masked batch gives 0 and not NaN.</summary>
    /// <param name="values">Shape [positions].</param>
    /// <param name="mask">0 or 1 each, shape [positions].</param>
    public static Tensor Compute(Tensor values, Tensor mask)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor count = mask.sum().clamp_min(HeldScalar.Of(1));
        return values.mul(mask).sum().div(count).MoveToOuterDisposeScope();
    }
}
