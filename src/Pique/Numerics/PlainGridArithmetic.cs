using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary><see cref="GridArithmetic"/> in plain torch operations, for tensors that are not on the CPU.</summary>
internal static class PlainGridArithmetic
{
    /// <inheritdoc cref="GridArithmetic.FakeQuantize"/>
    public static Tensor FakeQuantize(
        Tensor weight, GroupLayout layout, Tensor scales, Tensor? zeroPoints, CodeGrid grid, float strength, ScalarType outputType)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor output = Map(weight, layout, segment =>
        {
            Tensor view = layout.WeightView(weight, segment);
            PlainRounding rounding = new(view, scales, zeroPoints, segment, grid);
            return strength < 1f ? rounding.Value.sub(view).mul_(HeldScalar.Of(strength)).add_(view, HeldScalar.Of(1)) : rounding.Value;
        });
        return output.to(outputType).MoveToOuterDisposeScope();
    }

    /// <inheritdoc cref="GridArithmetic.Covering"/>
    public static GroupScales Covering(Tensor weight, GroupLayout layout, CodeGrid grid)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor highest = Reduce(weight, layout, view => view.amax([-1])).clamp_min_(HeldScalar.Of(0f));
        Tensor lowest = Reduce(weight, layout, view => view.amin([-1])).clamp_max_(HeldScalar.Of(0f));
        if (grid.Symmetric)
        {
            Tensor symmetric = maximum(highest.div_(HeldScalar.Of(grid.MaxLevel)), lowest.div_(HeldScalar.Of(grid.MinLevel)));
            return new(symmetric.MoveToOuterDisposeScope(), null);
        }

        Tensor covering = highest.div_(HeldScalar.Of(grid.MaxCode)).sub_(lowest.div(HeldScalar.Of(grid.MaxCode)));
        Tensor zeroPoints = lowest.neg_().div_(covering.clamp_min(HeldScalar.Of(float.Epsilon))).round_().clamp_(HeldScalar.Of(0), HeldScalar.Of(grid.MaxCode));
        return new(covering.MoveToOuterDisposeScope(), zeroPoints.MoveToOuterDisposeScope());
    }

    /// <inheritdoc cref="GridArithmetic.FakeQuantizeTokens"/>
    public static Tensor FakeQuantizeTokens(Tensor input, int bits)
    {
        using DisposeScope scope = NewDisposeScope();
        if (input.numel() == 0)
            return input.clone().MoveToOuterDisposeScope();
        int maxCode = (1 << bits) - 1;
        Tensor lowest = input.amin([-1], keepdim: true).clamp_max_(HeldScalar.Of(0f));
        Tensor scale = input.amax([-1], keepdim: true).clamp_min_(HeldScalar.Of(0f)).sub_(lowest).div_(HeldScalar.Of(maxCode)).clamp_min_(HeldScalar.Of(Kernels.ActivationRule.SmallestScale));
        Tensor lowestLevel = lowest.div_(scale).round_();
        Tensor levels = input.div(scale).round_();
        return levels.clamp_(lowestLevel, lowestLevel.add(HeldScalar.Of(maxCode), HeldScalar.Of(1))).add_(HeldScalar.Of(0f), HeldScalar.Of(1)).mul_(scale).MoveToOuterDisposeScope();
    }

    /// <summary>Mean over the weights of every group, shape [lines, blocksPerLine].</summary>
    public static Tensor GroupMean(Tensor weight, GroupLayout layout) => Reduce(weight, layout, view => view.mean([-1]));

    /// <summary>Builds a matrix from the result for each of its segments; one that has a single segment is not copied.</summary>
    public static Tensor Map(Tensor weight, GroupLayout layout, Func<GroupLayout.Segment, Tensor> compute)
    {
        GroupLayout.Segment[] segments = [.. layout.Segments()];
        if (segments.Length == 1)
            return compute(segments[0]).view(weight.shape);

        Tensor result = empty_like(weight);
        foreach (GroupLayout.Segment segment in segments)
        {
            using Tensor part = compute(segment);
            using Tensor target = layout.WeightView(result, segment);
            target.copy_(part);
        }

        return result;
    }

    private static Tensor Reduce(Tensor weight, GroupLayout layout, Func<Tensor, Tensor> reduce)
    {
        Tensor[] parts = [.. layout.Segments().Select(segment => reduce(layout.WeightView(weight, segment)))];
        return parts.Length switch
        {
            0 => zeros(layout.ScaleShape),
            1 => parts[0],
            _ => cat(parts, 1),
        };
    }
}
