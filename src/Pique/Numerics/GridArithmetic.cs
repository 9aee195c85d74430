using Pique.Numerics.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>
/// The arithmetic every fake quantizer, scale search and conversion shares: one pass of a kernel on the CPU, plain torch operations
/// with the same elementwise results anywhere else.
/// </summary>
internal static unsafe class GridArithmetic
{
    /// <summary>Fake-quantizes a matrix: w + ρ·(ŵ − w).</summary>
    /// <param name="weight">Contiguous weights, shape [rows, columns], float32.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="scales">Scales, shape [lines, blocksPerLine].</param>
    /// <param name="zeroPoints">Zero points, same shape; null on the symmetric grids.</param>
    /// <param name="grid">The codes.</param>
    /// <param name="strength">ρ, 0 to 1.</param>
    /// <param name="outputType">Float32, or BFloat16 rounded from the float32 result.</param>
    /// <returns>Fresh tensor, same shape as <paramref name="weight"/>.</returns>
    public static Tensor FakeQuantize(
        Tensor weight, GroupLayout layout, Tensor scales, Tensor? zeroPoints, CodeGrid grid, float strength = 1f, ScalarType outputType = ScalarType.Float32)
    {
        if (!TensorPointer.IsAccessible(weight))
            return PlainGridArithmetic.FakeQuantize(weight, layout, scales, zeroPoints, grid, strength, outputType);
        Tensor output = empty(weight.shape, dtype: outputType);
        FakeQuantizeKernel.Run(KernelArguments(weight, output, scales, zeroPoints, grid, strength), layout, KernelForms.Best);
        return output;
    }

    /// <summary>Fake-quantizes a matrix with scales that follow its range: covering scale times clip ratio, rounded to float16.</summary>
    /// <param name="weight">Contiguous weights, shape [rows, columns], float32.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="clipRatios">Ratios, shape [lines, blocksPerLine].</param>
    /// <param name="grid">The codes.</param>
    /// <param name="strength">ρ, 0 to 1.</param>
    /// <param name="outputType">Float32, or BFloat16 rounded from the float32 result.</param>
    /// <returns>Fresh tensor, same shape as <paramref name="weight"/>, and the scales and zero points it lies on.</returns>
    public static (Tensor Output, GroupScales Grid) FakeQuantizeFromRange(
        Tensor weight, GroupLayout layout, Tensor clipRatios, CodeGrid grid, float strength, ScalarType outputType)
    {
        if (!TensorPointer.IsAccessible(weight))
        {
            GroupScales found = ScalesFromRange(weight, layout, clipRatios, grid);
            return (PlainGridArithmetic.FakeQuantize(weight, layout, found.Scales, found.ZeroPoints, grid, strength, outputType), found);
        }

        Tensor output = empty(weight.shape, dtype: outputType);
        GroupScales scales = EmptyScales(layout, grid);
        ClippedRangeRule rule = new(grid, TensorPointer.Of(clipRatios));
        RangeKernel.Run(KernelArguments(weight, output, scales.Scales, scales.ZeroPoints, grid, strength), rule, layout, KernelForms.Best);
        return (output, scales);
    }

    /// <summary>The scales and zero points of <see cref="FakeQuantizeFromRange"/> alone.</summary>
    public static GroupScales ScalesFromRange(Tensor weight, GroupLayout layout, Tensor clipRatios, CodeGrid grid)
    {
        using GroupScales covering = Covering(weight, layout, grid);
        using Tensor clipped = covering.Scales.mul(clipRatios);
        return new(HalfScale.Round(clipped), covering.ZeroPoints?.alias());
    }

    /// <summary>The smallest scales whose grids cover every weight, not rounded, and the zero points that go with them.</summary>
    /// <param name="weight">Contiguous weights, shape [rows, columns], float32.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="grid">The codes.</param>
    public static GroupScales Covering(Tensor weight, GroupLayout layout, CodeGrid grid)
    {
        if (!TensorPointer.IsAccessible(weight))
            return PlainGridArithmetic.Covering(weight, layout, grid);
        GroupScales scales = EmptyScales(layout, grid);
        RangeKernel.Run(KernelArguments(weight, null, scales.Scales, scales.ZeroPoints, grid, 1f), new CoveringRule(grid), layout, KernelForms.Best);
        return scales;
    }

    /// <summary>Fake-quantizes activations: affine, per token, with a float32 scale from each token's range.</summary>
    /// <param name="input">Activations, shape [..., features], float32.</param>
    /// <param name="bits">Bits a code, 2 to 16.</param>
    /// <returns>Fresh tensor, same shape.</returns>
    public static Tensor FakeQuantizeTokens(Tensor input, int bits)
    {
        if (input.device_type != DeviceType.CPU || input.dtype != ScalarType.Float32)
            return PlainGridArithmetic.FakeQuantizeTokens(input, bits);
        using Tensor contiguous = input.contiguous();
        long features = input.dim() == 0 ? 1 : input.shape[^1];
        GroupLayout layout = GroupLayout.PerRow(features == 0 ? 0 : input.numel() / features, features);
        CodeGrid grid = new(bits, GridKind.Affine);
        Tensor output = empty(input.shape);
        using GroupScales scales = EmptyScales(layout, grid);
        RangeKernel.Run(KernelArguments(contiguous, output, scales.Scales, scales.ZeroPoints, grid, 1f), new ActivationRule(bits), layout, KernelForms.Best);
        return output;
    }

    private static GroupScales EmptyScales(GroupLayout layout, CodeGrid grid)
    {
        // A matrix without weights may have groups all the same: those of a tensor, or of rows without columns.
        Func<long[], Tensor> create = layout.WeightCount == 0 ? shape => zeros(shape) : shape => empty(shape);
        return new(create(layout.ScaleShape), grid.Symmetric ? null : create(layout.ScaleShape));
    }

    private static FakeQuantizeKernel.Arguments KernelArguments(
        Tensor weight, Tensor? output, Tensor scales, Tensor? zeroPoints, CodeGrid grid, float strength)
    {
        bool isBFloat16 = output?.dtype == ScalarType.BFloat16;
        return new()
        {
            Weights = TensorPointer.Of(weight),
            Output = output is null ? null : TensorPointer.OfOutput(output),
            IsBFloat16 = isBFloat16,
            IsNonTemporal = !isBFloat16 && weight.numel() * sizeof(float) >= PastTheCaches.LeastBytes,
            Strength = strength,
            Grid = new GridPointers(grid, TensorPointer.Of(scales), zeroPoints is null ? null : TensorPointer.Of(zeroPoints)),
        };
    }
}
