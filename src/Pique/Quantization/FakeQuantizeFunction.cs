using Pique.Configuration;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Pique.Quantization;

/// <summary>
/// Fake quantization of a weight matrix and its straight-through gradients. See docs/math.md §2 and §3.
/// Arguments: weight; trained scale or α, or null; trained zero point, or null; <see cref="FakeQuantizeCall"/>.
/// </summary>
/// <remarks>
/// The output is w + ρ·(ŵ − w), so that every gradient is (1 − ρ)·g plus ρ times the estimator's. Saved for the backward pass:
/// the weight, and for all but the plain standard estimator its scales; levels are computed again rather than kept.
/// <para>
/// A weight in bfloat16 is widened in either pass, so that codes and gradients are those of a float32 weight of its values.
/// The gradient of a weight that is a leaf is written, in float32 whatever the weight is, or added, straight into its <c>grad</c>, and autograd is told there is none:
/// a gradient handed back from managed code is held there, so autograd would copy it first, a pass over memory more.
/// </para>
/// </remarks>
internal sealed class FakeQuantizeFunction : SingleTensorFunction<FakeQuantizeFunction>
{
    private const string CallKey = "call";
    private const string StepFactorKey = "step factor";

    public override string Name => nameof(FakeQuantizeFunction);

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        Tensor weight = (Tensor)vars[0];
        FakeQuantizeCall call = (FakeQuantizeCall)vars[3];
        CodeGrid grid = call.Spec.Grid;
        using DisposeScope scope = NewDisposeScope();
        Tensor values = LatentType.Widened(weight);
        (Tensor output, GroupScales scales) = call.Scales is { } given
            ? (GridArithmetic.FakeQuantize(values, call.Layout, given.Scales, given.ZeroPoints, grid, call.Strength, call.OutputType), given)
            : GridArithmetic.FakeQuantizeFromRange(values, call.Layout, call.ClipRatios!, grid, call.Strength, call.OutputType);
        ctx.save_data(CallKey, call with { Scales = null, ClipRatios = null, StepFactor = null });
        if (PassesUnchanged(call))
        {
            ctx.save_for_backward([weight]);
            return output.MoveToOuterDisposeScope();
        }

        if (call.Scales is null)
        {
            // What is saved is taken over only after this method has returned: scales found here must outlive its scope.
            scales.Scales.MoveToOuterDisposeScope();
            scales.ZeroPoints?.MoveToOuterDisposeScope();
        }

        Tensor?[] saved = [weight, scales.Scales, scales.ZeroPoints, call.StepFactor];
        ctx.save_data(StepFactorKey, call.StepFactor is not null);
        ctx.save_for_backward([.. saved.OfType<Tensor>()]);
        return output.MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        FakeQuantizeCall call = (FakeQuantizeCall)ctx.get_data(CallKey);
        using DisposeScope scope = NewDisposeScope();
        Tensor upstream = grad_output.to(ScalarType.Float32).contiguous();
        List<Tensor> saved = ctx.get_saved_variables();
        Tensor weight = saved[0];
        bool writesGrad = weight.is_leaf && weight.requires_grad;
        if (PassesUnchanged(call) && !writesGrad)
            return HandedGradients.Of([grad_output], upstream, null, null, null);

        Tensor? existing = writesGrad ? weight.grad : null;
        Tensor destination = existing is { } grad && grad.is_contiguous() ? grad : empty(weight.shape, device: weight.device);
        bool accumulates = ReferenceEquals(destination, existing);
        bool isDone = writesGrad && (existing is null || accumulates);
        if (PassesUnchanged(call))
        {
            GradientArithmetic.Pass(upstream, destination, accumulates);
            if (writesGrad && existing is null)
                weight.grad = destination;
            return HandedGradients.Of([grad_output], isDone ? null : destination, null, null, null);
        }

        Tensor? zeroPoints = call.Spec.Symmetric ? null : saved[2];
        GradientRule rule = new(call.Layout, call.Spec.Grid, saved[1], zeroPoints, call.Spec.Estimator, call.Strength, call.Spec.OscillationDampening);
        (Tensor? scaleGradient, Tensor? zeroPointGradient) = GradientArithmetic.Compute(LatentType.Widened(weight), upstream, destination, accumulates, rule);
        if (scaleGradient is not null && (bool)ctx.get_data(StepFactorKey))
            scaleGradient.mul_(saved[^1]);
        if (writesGrad && existing is null)
            weight.grad = destination;
        return HandedGradients.Of([grad_output], isDone ? null : destination, scaleGradient, zeroPointGradient, null);
    }

    private static bool PassesUnchanged(FakeQuantizeCall call) => call.Spec is { Estimator: SteVariant.Standard, OscillationDampening: 0f };
}
