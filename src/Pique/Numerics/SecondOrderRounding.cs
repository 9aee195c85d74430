using Pique.Numerics.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>Rounds a weight column by column and lets the columns still to come make up for each error, so that the layer's output changes least.</summary>
/// <remarks>
/// GPTQ, Frantar et al. 2022, arXiv:2210.17323, algorithm 1. The squared error of the output is tr((W − Ŵ)·H·(W − Ŵ)ᵀ) with
/// H = E[x·xᵀ]; the paper's factor 2 changes nothing. Everything the columns need of H⁻¹ is its upper Cholesky factor U, H⁻¹ = Uᵀ·U,
/// computed in float64. Columns are rounded in blocks: within one the feedback goes weight by weight, behind it as one product.
/// </remarks>
public static class SecondOrderRounding
{
    /// <summary>Columns of a block.</summary>
    private const int BlockColumns = 128;

    /// <summary>Damping is raised by this factor where H + λ·I is not positive definite in float64.</summary>
    private const double DampingGrowth = 10;

    /// <summary>Damping above which H has nothing left to say.</summary>
    private const double LargestDamping = 1;

    /// <summary>Rounds a weight to given grids.</summary>
    /// <param name="weight">Weight, shape [rows, columns], float32.</param>
    /// <param name="secondMoment">H = E[x·xᵀ] of the inputs, shape [columns, columns], float64, on the CPU.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="grid">The codes.</param>
    /// <param name="scales">Scales that a file holds, and zero points.</param>
    /// <param name="damping">λ as a share of H's mean diagonal, above zero: what is added to the diagonal.</param>
    /// <param name="activationOrder">Round the columns of the largest inputs first, while the most columns are left to make up for them.</param>
    /// <returns>
    /// The weights as they stood when each was rounded, shape [rows, columns], float32, on the CPU: the nearest level of each is its
    /// rounded value. Inputs that are all zero leave the weights as they were.
    /// </returns>
    public static Tensor Round(
        Tensor weight, Tensor secondMoment, GroupLayout layout, CodeGrid grid, GroupScales scales, double damping, bool activationOrder)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int columns = checked((int)layout.Columns);
        if (secondMoment.dim() != 2 || secondMoment.shape[0] != columns || secondMoment.shape[1] != columns)
            throw new ArgumentException($"Found a second moment of shape [{string.Join(", ", secondMoment.shape)}], expected [{columns}, {columns}].", nameof(secondMoment));
        Tensor readable = weight.detach().cpu();
        if (layout.WeightCount == 0)
            return readable.clone().MoveToOuterDisposeScope();

        int[] order = activationOrder ? DescendingDiagonal(secondMoment) : [.. Enumerable.Range(0, columns)];
        Tensor permutation = tensor(Array.ConvertAll(order, column => (long)column));
        Tensor work = readable.index_select(1, permutation).contiguous();
        Tensor ordered = secondMoment.index_select(0, permutation).index_select(1, permutation);
        if (InverseFactor(ordered, damping) is not { } factor)
            return readable.clone().MoveToOuterDisposeScope();

        Tensor groupScales = scales.Scales.cpu().contiguous();
        Tensor? zeroPoints = scales.ZeroPoints?.cpu().contiguous();
        for (int first = 0; first < columns; first += BlockColumns)
        {
            using DisposeScope block = NewDisposeScope();
            int width = Math.Min(BlockColumns, columns - first);
            Tensor errors = empty(layout.Rows, width);
            RoundBlock(work, errors, factor.narrow(0, first, width).narrow(1, first, width).contiguous(), order, first, layout, grid, groupScales, zeroPoints);
            int next = first + width;
            if (next < columns)
                work.narrow(1, next, columns - next).sub_(errors.matmul(factor.narrow(0, first, width).narrow(1, next, columns - next)));
        }

        Tensor restored = empty_like(work);
        restored.index_copy_(1, permutation, work);
        return restored.MoveToOuterDisposeScope();
    }

    /// <summary>What rounding costs the layer's output: E‖(W − Ŵ)·x‖² and, to compare it with, E‖W·x‖².</summary>
    /// <param name="weight">Weight, shape [rows, columns], float32.</param>
    /// <param name="rounded">Rounded weight, same shape.</param>
    /// <param name="secondMoment">E[x·xᵀ] of the inputs, shape [columns, columns], float64, on the CPU.</param>
    /// <returns>Expected squared error and squared length of the output.</returns>
    public static (double Error, double Output) OutputError(Tensor weight, Tensor rounded, Tensor secondMoment)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor exact = weight.detach().cpu().to(ScalarType.Float64);
        Tensor residual = exact.sub(rounded.detach().cpu().to(ScalarType.Float64));
        return (Energy(residual), Energy(exact));

        double Energy(Tensor matrix) => matrix.matmul(secondMoment).mul_(matrix).sum().item<double>();
    }

    /// <summary>U of (H + λ·I)⁻¹ = Uᵀ·U, float32, contiguous; null where the inputs say nothing.</summary>
    /// <remarks>
    /// With the order of rows and columns reversed, the lower Cholesky factor of H becomes an upper one: H = R·Rᵀ. Hence
    /// H⁻¹ = R⁻ᵀ·R⁻¹, and U = R⁻¹ takes one factorization and one triangular solve, without an inverse in between.
    /// </remarks>
    private static Tensor? InverseFactor(Tensor secondMoment, double damping)
    {
        using DisposeScope scope = NewDisposeScope();
        long columns = secondMoment.shape[0];
        double mean = secondMoment.diagonal().mean().item<double>();
        if (!(mean > 0))
            return null;
        Tensor identity = eye(columns, dtype: ScalarType.Float64);
        for (double share = damping; share <= LargestDamping; share *= DampingGrowth)
        {
            Tensor damped = secondMoment.add(identity.mul(HeldScalar.Of(share * mean)), HeldScalar.Of(1)).flip(0, 1);
            (Tensor lower, Tensor outcome) = linalg.cholesky_ex(damped);
            if (outcome.item<int>() == 0)
                return linalg.solve_triangular(lower.flip(0, 1), identity, upper: true).to(ScalarType.Float32).contiguous().MoveToOuterDisposeScope();
        }

        return null;
    }

    private static int[] DescendingDiagonal(Tensor secondMoment)
    {
        double[] energies = secondMoment.diagonal().contiguous().data<double>().ToArray();
        return [.. Enumerable.Range(0, energies.Length).OrderByDescending(column => energies[column])];
    }

    private static unsafe void RoundBlock(
        Tensor work, Tensor errors, Tensor factor, int[] order, int first, GroupLayout layout, CodeGrid grid, Tensor scales, Tensor? zeroPoints)
    {
        bool isPerTensor = layout.LineWidth != layout.Columns;
        fixed (int* places = order)
        {
            ErrorFeedbackKernel.Arguments arguments = new()
            {
                Weights = TensorPointer.Of(work),
                Errors = TensorPointer.Of(errors),
                Factor = TensorPointer.Of(factor),
                Places = places,
                Grid = new GridPointers(grid, TensorPointer.Of(scales), zeroPoints is null ? null : TensorPointer.Of(zeroPoints)),
                Rows = layout.Rows,
                Columns = layout.Columns,
                First = first,
                Width = (int)errors.shape[1],
                ScalesPerRow = isPerTensor ? 0 : layout.BlocksPerLine,
                BlockSize = layout.BlockSize,
            };
            ErrorFeedbackKernel.Run(arguments, KernelForms.Best);
        }
    }
}
