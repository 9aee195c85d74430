using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>The Hadamard transform in plain torch operations, for tensors that the kernels cannot reach.</summary>
internal static class PlainHadamard
{
    /// <summary>y = after ⊙ H·(before ⊙ x) in place, or with Hᵀ; adds in another order than the kernels where H has factors other than a power of two.</summary>
    /// <param name="values">The tensor.</param>
    /// <param name="around">Its shape around the lines: [outer, order, inner].</param>
    /// <param name="powerOfTwo">Order of Sylvester's matrix, the last factor.</param>
    /// <param name="matrices">The other factors, leftmost first.</param>
    /// <param name="transposed">Multiply by Hᵀ.</param>
    /// <param name="before">What each place of a line is multiplied by first; null for nothing.</param>
    /// <param name="after">What each place of a line is multiplied by last; null for nothing.</param>
    public static void Apply(
        Tensor values, (long Outer, long Inner) around, int powerOfTwo, IReadOnlyList<sbyte[,]> matrices, bool transposed, double[]? before, double[]? after)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor lines = values.reshape(around.Outer, -1, around.Inner);
        long[] shape = lines.shape;
        if (before is not null)
            lines = lines.mul(Factors(before, values));
        long stride = around.Inner;
        for (int distance = 1; distance < powerOfTwo; distance *= 2, stride *= 2)
        {
            Tensor pairs = lines.reshape(-1, 2, stride);
            Tensor upper = pairs.select(1, 0), lower = pairs.select(1, 1);
            lines = stack([upper + lower, upper - lower], 1);
        }

        for (int index = matrices.Count - 1; index >= 0; stride *= matrices[index].GetLength(0), index--)
        {
            Tensor matrix = tensor(matrices[index]).to(values.dtype, values.device);
            lines = (transposed ? matrix.t() : matrix).matmul(lines.reshape(-1, matrix.shape[0], stride));
        }

        lines = lines.reshape(shape);
        if (after is not null)
            lines = lines.mul(Factors(after, values));
        values.copy_(lines.reshape(values.shape));
    }

    private static Tensor Factors(double[] factors, Tensor values) => tensor(factors).to(values.dtype, values.device).view(-1, 1);
}
