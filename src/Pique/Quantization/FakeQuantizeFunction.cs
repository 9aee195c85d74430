using Pique.Configuration;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Pique.Quantization;

/// <summary>
/// Fake quantization of a weight matrix and its straight-through gradients. Math of record §2 and §3.
/// Arguments: weight; trained parameter (scale or α) or null; <see cref="FakeQuantizeCall"/>.
/// </summary>
/// <remarks>
/// The output is w + ρ·(ŵ − w), so that every gradient is (1 − ρ)·g plus ρ times the estimator's. Saved for the backward pass:
/// nothing for the standard estimator, the weight for the others, the output too for EWGS, whose |w − output| = ρ·|w − ŵ| is all it
/// asks for; levels are computed again rather than kept.
/// </remarks>
internal sealed class FakeQuantizeFunction : SingleTensorFunction<FakeQuantizeFunction>
{
    private const string CallKey = "call";

    public override string Name => nameof(FakeQuantizeFunction);

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        Tensor weight = (Tensor)vars[0];
        FakeQuantizeCall call = (FakeQuantizeCall)vars[2];
        using DisposeScope scope = NewDisposeScope();
        Tensor output = GridArithmetic.FakeQuantize(weight, call.Layout, call.Scales, call.ZeroPoints, call.Spec.Grid);
        if (call.Strength < 1f)
            output = output.sub_(weight).mul_(HeldScalar.Of(call.Strength)).add_(weight);

        ctx.save_data(CallKey, call with { Scales = null!, ZeroPoints = null });
        switch (call.Spec.Estimator)
        {
            case SteVariant.Clipped:
                ctx.save_for_backward([weight]);
                break;
            case SteVariant.Ewgs:
                ctx.save_for_backward([weight, output]);
                break;
            case SteVariant.LearnedStepSize when call.ZeroPoints is { } zeroPoints:
                ctx.save_for_backward([weight, call.Scales, zeroPoints]);
                break;
            case SteVariant.LearnedStepSize:
                ctx.save_for_backward([weight, call.Scales]);
                break;
        }

        return output.MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        FakeQuantizeCall call = (FakeQuantizeCall)ctx.get_data(CallKey);
        if (call.Spec.Estimator is SteVariant.Standard)
            return [grad_output, null!, null!];

        using DisposeScope scope = NewDisposeScope();
        List<Tensor> saved = ctx.get_saved_variables();
        (Tensor weightGradient, Tensor? parameterGradient) = call.Spec.Estimator switch
        {
            SteVariant.Clipped clipped => (Clipped(saved[0], grad_output, clipped.ClipValue, call.Strength), null),
            SteVariant.Ewgs ewgs => (Ewgs(saved[0], saved[1], grad_output, ewgs.Lambda), null),
            SteVariant.LearnedStepSize => LearnedStepSize(saved, grad_output, call),
            _ => throw new InvalidOperationException($"{call.Spec.Estimator}: unknown estimator."),
        };
        return [weightGradient.MoveToOuterDisposeScope(), parameterGradient?.MoveToOuterDisposeScope()!, null!];
    }

    private static Tensor Clipped(Tensor weight, Tensor gradient, float clipValue, float strength)
    {
        Tensor passes = weight.abs().le_(HeldScalar.Of(clipValue));
        return Blend(passes, strength).mul_(gradient);
    }

    private static Tensor Ewgs(Tensor weight, Tensor output, Tensor gradient, float lambda) =>
        weight.sub(output).abs_().mul_(HeldScalar.Of(lambda)).add_(HeldScalar.Of(1f)).mul_(gradient);

    /// <summary>LSQ, Esser et al. 2020, arXiv:1902.08153, section 2.1 and 2.2, equations 3 and 5.</summary>
    private static (Tensor Weight, Tensor Parameter) LearnedStepSize(List<Tensor> saved, Tensor gradient, FakeQuantizeCall call)
    {
        Tensor weight = saved[0];
        Tensor scales = saved[1];
        Tensor? zeroPoints = saved.Count > 2 ? saved[2] : null;
        GroupLayout layout = call.Layout;
        Tensor contiguousGradient = gradient.contiguous();
        Tensor scaleGradient = zeros_like(scales);
        Tensor weightGradient = GridArithmetic.Map(weight, layout, segment =>
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor segmentGradient = layout.WeightView(contiguousGradient, segment);
            Tensor quotient = layout.WeightView(weight, segment).div(GroupLayout.GroupView(scales, segment));
            Tensor bounded = quotient.clone();
            GridArithmetic.Clamp(bounded, zeroPoints is null ? null : GroupLayout.GroupView(zeroPoints, segment), call.Spec.Grid);
            Tensor inRange = quotient.eq_(bounded);

            // ∂ŵ/∂s: the level, less w/s where the weight is in range.
            Tensor slope = bounded.round().sub_(bounded.mul_(inRange)).mul_(segmentGradient);
            float gradientScale = call.Strength * (call.Spec.PiK is { } k ? (float)(Math.PI / k) : 1f) / MathF.Sqrt((float)segment.BlockSize * call.Spec.Grid.PositiveLevels);
            GroupLayout.GroupView(scaleGradient, segment).copy_(slope.sum(-1, keepdim: true).mul_(HeldScalar.Of(gradientScale)));
            return Blend(inRange, call.Strength).mul_(segmentGradient).MoveToOuterDisposeScope();
        });
        return (weightGradient, scaleGradient);
    }

    /// <summary>(1 − ρ) + ρ·mask, in place.</summary>
    private static Tensor Blend(Tensor mask, float strength) => strength < 1f ? mask.mul_(HeldScalar.Of(strength)).add_(HeldScalar.Of(1f - strength)) : mask;
}
