using Pique.Numerics.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>Finds the scale of every group of weights, on the CPU.</summary>
/// <remarks>The affine zero point is that of the covering scale throughout.</remarks>
public static class ScaleSearch
{
    /// <summary>The k that a pi grid may have.</summary>
    private static readonly int[] PiKs = [2, 3, 4, 5];

    /// <summary>Finds scales and zero points.</summary>
    /// <param name="weight">Weights, shape [rows, columns], float32.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="grid">The codes.</param>
    /// <param name="method">How the scale is found.</param>
    /// <param name="importance">
    /// Factors of the columns' squared errors, shape [columns], finite and zero or more: E[x²] of the input channel makes
    /// <see cref="ScaleMethod.MinimumError"/> minimise the expected squared error of the layer's output as far as inputs are
    /// uncorrelated. Null weighs all columns alike; the other methods take no factors.
    /// </param>
    /// <returns>Float16-exact scales within [2^−24, 65504]; a group of zeros gets 2^−24. On the weight's device.</returns>
    public static GroupScales Find(Tensor weight, GroupLayout layout, CodeGrid grid, ScaleMethod method, Tensor? importance = null)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor readable = weight.detach().cpu().contiguous();
        (Tensor covering, Tensor? zeroPoints) = GridArithmetic.Covering(readable, layout, grid);
        Tensor scales = method switch
        {
            ScaleMethod.AbsMax => HalfScale.Round(covering),
            ScaleMethod.MinimumError => MinimumError(readable, layout, covering, zeroPoints, grid, importance),
            ScaleMethod.MeanAbsolute => HalfScale.Round(PlainGridArithmetic.GroupMean(readable.abs(), layout).mul_(HeldScalar.Of(2f / MathF.Sqrt(grid.PositiveLevels)))),
            _ => throw new ArgumentOutOfRangeException(nameof(method), method, "Unknown scale method."),
        };
        return new GroupScales(scales.to(weight.device).MoveToOuterDisposeScope(), zeroPoints?.to(weight.device).MoveToOuterDisposeScope());
    }

    /// <summary>
    /// Chooses k of the pi grid for every output channel: of the steps α·π/k, k ∈ {2, 3, 4, 5}, with the covering scale of each group
    /// as its α, the one of least squared error over the channel. A search of four scales, no more (docs/math.md §1).
    /// </summary>
    /// <param name="weight">Weights, shape [rows, columns], float32.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="grid">The codes.</param>
    /// <returns>k, shape [lines, 1]; and the float16-exact steps, with zero points, shape [lines, blocksPerLine].</returns>
    public static (Tensor K, GroupScales Steps) FindPiK(Tensor weight, GroupLayout layout, CodeGrid grid)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor readable = weight.detach().cpu().contiguous();
        (Tensor covering, Tensor? zeroPoints) = GridArithmetic.Covering(readable, layout, grid);
        Tensor[] steps = [.. PiKs.Select(k => HalfScale.Round(covering.mul(HeldScalar.Of((float)(Math.PI / k)))))];
        Tensor[] errors = [.. steps.Select(step => GridArithmetic.FakeQuantize(readable, layout, step, zeroPoints, grid)
            .sub_(readable).Squared().view(layout.LineCount, layout.LineWidth).sum(1, keepdim: true, type: ScalarType.Float64))];
        Tensor best = cat(errors, 1).argmin(1, keepdim: true);
        Tensor chosen = stack(steps, 2).gather(2, best.unsqueeze(-1).expand(layout.LineCount, layout.BlocksPerLine, 1)).squeeze(-1);
        Tensor k = tensor(PiKs, ScalarType.Float32).index_select(0, best.view(-1)).view(-1, 1);
        return (k.to(weight.device).MoveToOuterDisposeScope(), new(chosen.to(weight.device).MoveToOuterDisposeScope(), zeroPoints?.to(weight.device).MoveToOuterDisposeScope()));
    }

    private static unsafe Tensor MinimumError(Tensor weight, GroupLayout layout, Tensor covering, Tensor? zeroPoints, CodeGrid grid, Tensor? importance)
    {
        Tensor scales = covering.clone();
        if (layout.WeightCount == 0)
            return HalfScale.Round(scales);
        Tensor? factors = importance is null ? null : FactorsOfLine(importance, layout);
        ScaleSearchKernel.Run(
            TensorPointer.Of(weight),
            new GridPointers(grid, TensorPointer.Of(scales), zeroPoints is null ? null : TensorPointer.Of(zeroPoints)),
            layout,
            KernelForms.Best,
            factors is null ? null : TensorPointer.Of(factors));
        return scales;
    }

    /// <summary>Factors by place in a line, scaled to a mean of 1 so that sums stay within float32 whatever the inputs' unit.</summary>
    private static Tensor FactorsOfLine(Tensor importance, GroupLayout layout)
    {
        if (importance.numel() != layout.Columns)
            throw new ArgumentException($"Found {importance.numel()} factors, expected one for each of {layout.Columns} columns.", nameof(importance));
        Tensor exact = importance.detach().cpu().to(ScalarType.Float64).view(1, -1);
        double mean = exact.mean().item<double>();
        Tensor factors = mean > 0 ? exact.div(HeldScalar.Of(mean)) : ones_like(exact);
        return factors.to(ScalarType.Float32).expand(layout.LineWidth / layout.Columns, layout.Columns).contiguous();
    }
}
