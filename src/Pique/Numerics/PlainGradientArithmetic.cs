using Pique.Configuration;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary><see cref="GradientArithmetic"/> in plain torch operations, for tensors that are not on the CPU.</summary>
internal static class PlainGradientArithmetic
{
    /// <inheritdoc cref="GradientArithmetic.Compute"/>
    public static (Tensor? Scales, Tensor? ZeroPoints) Compute(Tensor weight, Tensor upstream, Tensor destination, bool accumulates, GradientRule rule)
    {
        using DisposeScope scope = NewDisposeScope();
        GroupLayout layout = rule.Layout;
        Tensor none = zeros([], device: weight.device);
        Tensor? scaleGradients = rule.LearnsScale ? zeros_like(rule.Scales) : null;
        Tensor? zeroPointGradients = rule.LearnsScale && rule.ZeroPoints is not null ? zeros_like(rule.Scales) : null;
        foreach (GroupLayout.Segment segment in layout.Segments())
        {
            Tensor gradient = layout.WeightView(upstream, segment);
            PlainRounding rounded = new(layout.WeightView(weight, segment), rule.Scales, rule.ZeroPoints, segment, rule.Grid);
            Tensor inRange = rounded.InRange();
            Tensor result = WeightGradient(gradient, rounded, inRange, rule);
            if (rule.Dampening != 0f)
                result = result.add(where(inRange, rounded.Weights.sub(rounded.Value).mul_(HeldScalar.Of(2f * rule.Strength * rule.Dampening)), none), HeldScalar.Of(1));
            Tensor target = layout.WeightView(destination, segment);
            _ = accumulates ? target.add_(result, HeldScalar.Of(1)) : target.copy_(result);

            float factor = rule.ScaleFactor(segment.BlockSize);
            if (scaleGradients is not null)
            {
                Tensor slope = rounded.Level.sub(where(inRange, rounded.Quotient, none)).mul_(gradient);
                GroupLayout.GroupView(scaleGradients, segment).copy_(slope.sum(-1, keepdim: true).mul_(HeldScalar.Of(factor)));
            }

            if (zeroPointGradients is not null)
            {
                Tensor clipped = where(inRange, none, gradient).sum(-1, keepdim: true);
                GroupLayout.GroupView(zeroPointGradients, segment).copy_(clipped.mul_(rounded.Scales.neg()).mul_(HeldScalar.Of(factor)));
            }
        }

        return (scaleGradients?.MoveToOuterDisposeScope(), zeroPointGradients?.MoveToOuterDisposeScope());
    }

    private static Tensor WeightGradient(Tensor gradient, PlainRounding rounded, Tensor inRange, GradientRule rule)
    {
        Tensor Kept(Tensor passes) => where(passes, gradient, rule.Strength < 1f ? gradient.mul(HeldScalar.Of(1f - rule.Strength)) : zeros_like(gradient));
        return rule.Estimator switch
        {
            SteVariant.Standard => gradient,
            SteVariant.Clipped clipped => Kept(rounded.Weights.abs().le_(HeldScalar.Of(clipped.ClipValue)).to(ScalarType.Bool)),
            SteVariant.LearnedStepSize => Kept(inRange),
            SteVariant.Ewgs ewgs => rounded.Weights.sub(rounded.Value).abs_().mul_(HeldScalar.Of(rule.Strength * ewgs.Lambda)).add_(HeldScalar.Of(1f), HeldScalar.Of(1)).mul_(gradient),
            SteVariant.EwgsSigned signed => rounded.Quotient.sub(rounded.Level).mul_(HeldScalar.Of(rule.Strength * signed.Delta)).mul_(gradient.abs()).add_(gradient, HeldScalar.Of(1)),
            _ => throw new InvalidOperationException($"{rule.Estimator}: unknown estimator."),
        };
    }
}
