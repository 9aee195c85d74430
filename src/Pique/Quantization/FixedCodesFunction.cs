using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Pique.Quantization;

/// <summary>
/// A weight whose codes stay as they are while its scales are trained: ŵ = level·s. Arguments: trained scale or α; <see cref="FixedCodesCall"/>.
/// </summary>
/// <remarks>
/// The second phase of EfficientQAT (Chen et al. 2024, arXiv:2407.11062, section 3.3, "E2E-QP"). ŵ is linear in s, so ∂L/∂s = Σ g·level is the
/// true gradient, but for the rounding of s to what a file holds, through which it passes straight. Levels are computed again rather than kept.
/// <para>A level times a scale that a file holds has at most 22 significant bits, so product and quotient are exact in float32.</para>
/// </remarks>
internal sealed class FixedCodesFunction : SingleTensorFunction<FixedCodesFunction>
{
    private const string CallKey = "call";

    public override string Name => nameof(FixedCodesFunction);

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        FixedCodesCall call = (FixedCodesCall)vars[1];
        using DisposeScope scope = NewDisposeScope();
        Tensor output = call.Levels();
        foreach (GroupLayout.Segment segment in call.Layout.Segments())
            call.Layout.WeightView(output, segment).mul_(GroupLayout.GroupView(call.Scales, segment));
        ctx.save_data(CallKey, call with { Weight = null!, CodeScales = null!, ZeroPoints = null, Scales = null!, StepFactor = null });
        Tensor?[] saved = [call.Weight, call.CodeScales, call.ZeroPoints, call.StepFactor];
        ctx.save_for_backward([.. saved.OfType<Tensor>()]);
        return output.to(call.OutputType).MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        using DisposeScope scope = NewDisposeScope();
        FixedCodesCall call = (FixedCodesCall)ctx.get_data(CallKey);
        List<Tensor> saved = ctx.get_saved_variables();
        call = call with { Weight = saved[0], CodeScales = saved[1], ZeroPoints = call.Grid.Symmetric ? null : saved[2] };
        Tensor product = call.Levels().mul_(grad_output.to(ScalarType.Float32));
        Tensor[] sums = [.. call.Layout.Segments().Select(segment => call.Layout.WeightView(product, segment).sum(-1))];
        Tensor gradient = sums.Length switch
        {
            0 => zeros(call.Layout.ScaleShape),
            1 => sums[0],
            _ => cat(sums, 1),
        };
        if (call.HasStepFactor)
            gradient = gradient.mul(saved[^1]);
        return [gradient.MoveToOuterDisposeScope(), null!];
    }
}
