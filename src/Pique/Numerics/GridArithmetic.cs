using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>
/// The arithmetic every fake quantizer, scale search and conversion shares, in torch operations; <see cref="ScalarQuantizer"/>
/// is its scalar reference, equal bit for bit.
/// </summary>
/// <remarks>
/// level = clamp(roundHalfEven(w / s), −z, 2^b − 1 − z), code = level + z, ŵ = level·s. Rounding comes before the zero point is
/// added, so that ties go to even levels whatever z is. A level of −0 is turned into +0, which is what codes read back as.
/// </remarks>
internal static class GridArithmetic
{
    /// <summary>Levels of a view of weights, as a fresh tensor.</summary>
    /// <param name="weights">View, shape [lines, blocks, blockSize].</param>
    /// <param name="scales">Float16-exact scales, shape [lines, blocks, 1].</param>
    /// <param name="zeroPoints">Zero points, same shape as the scales; null on the symmetric grid.</param>
    /// <param name="grid">The codes.</param>
    internal static Tensor Levels(Tensor weights, Tensor scales, Tensor? zeroPoints, CodeGrid grid)
    {
        Tensor levels = weights.div(scales).sub_(HeldScalar.Of(grid.Offset)).round_();
        Clamp(levels, zeroPoints, grid);
        return levels.add_(HeldScalar.Of(grid.Offset));
    }

    /// <summary>Clamps to the grid's levels, in place.</summary>
    internal static void Clamp(Tensor levels, Tensor? zeroPoints, CodeGrid grid)
    {
        if (zeroPoints is null)
        {
            levels.clamp_(HeldScalar.Of(-grid.SymmetricZeroPoint), HeldScalar.Of(grid.SymmetricZeroPoint - 1));
            return;
        }

        using Tensor lowest = zeroPoints.neg();
        using Tensor highest = lowest.add(HeldScalar.Of(grid.MaxCode));
        levels.clamp_(lowest, highest);
    }

    /// <summary>Fake-quantizes a whole matrix.</summary>
    /// <param name="weight">Contiguous weights, shape [rows, columns], float32.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="scales">Float16-exact scales, shape [lines, blocksPerLine].</param>
    /// <param name="zeroPoints">Zero points, same shape; null on the symmetric grid.</param>
    /// <param name="grid">The codes.</param>
    /// <returns>Fresh tensor, same shape as <paramref name="weight"/>.</returns>
    internal static Tensor FakeQuantize(Tensor weight, GroupLayout layout, Tensor scales, Tensor? zeroPoints, CodeGrid grid) =>
        Map(weight, layout, segment =>
        {
            using Tensor segmentScales = GroupLayout.GroupView(scales, segment);
            using Tensor? segmentZeros = zeroPoints is null ? null : GroupLayout.GroupView(zeroPoints, segment);
            using Tensor view = layout.WeightView(weight, segment);
            return Levels(view, segmentScales, segmentZeros, grid).mul_(segmentScales);
        });

    /// <summary>Stored codes of a whole matrix, 0 … 2^bits − 1.</summary>
    /// <returns>Fresh tensor, same shape as <paramref name="weight"/>, uint8.</returns>
    internal static Tensor Codes(Tensor weight, GroupLayout layout, Tensor scales, Tensor? zeroPoints, CodeGrid grid)
    {
        using Tensor codes = Map(weight, layout, segment =>
        {
            using Tensor segmentScales = GroupLayout.GroupView(scales, segment);
            using Tensor? segmentZeros = zeroPoints is null ? null : GroupLayout.GroupView(zeroPoints, segment);
            using Tensor view = layout.WeightView(weight, segment);
            Tensor levels = Levels(view, segmentScales, segmentZeros, grid);
            return segmentZeros is null ? levels.add_(HeldScalar.Of(grid.SymmetricZeroPoint)) : levels.add_(segmentZeros);
        });
        return codes.to(ScalarType.Byte);
    }

    /// <summary>Builds a matrix from the result for each of its segments; one that has a single segment is not copied.</summary>
    internal static Tensor Map(Tensor weight, GroupLayout layout, Func<GroupLayout.Segment, Tensor> compute)
    {
        GroupLayout.Segment[] segments = [.. layout.Segments()];
        if (segments.Length == 1)
        {
            using Tensor whole = compute(segments[0]);
            return whole.view(weight.shape);
        }

        Tensor result = empty_like(weight);
        foreach (GroupLayout.Segment segment in segments)
        {
            using Tensor part = compute(segment);
            using Tensor target = layout.WeightView(result, segment);
            target.copy_(part);
        }

        return result;
    }
}
