using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Pique.Models.Llama;

/// <summary>Root-mean-square normalization whose backward pass reads every row once. Arguments: input; gain; ε.</summary>
/// <remarks>Saved for the backward pass beside the input: one value a row.</remarks>
internal sealed class RmsNormFunction : SingleTensorFunction<RmsNormFunction>
{
    public override string Name => nameof(RmsNormFunction);

    /// <summary>Normalizes the last dimension.</summary>
    /// <param name="input">Shape [..., width]; <see cref="RmsNormRows.Takes"/> it.</param>
    /// <param name="gain">Shape [width].</param>
    /// <param name="epsilon">ε.</param>
    public static Tensor Compute(Tensor input, Tensor gain, float epsilon)
    {
        using DisposeScope scope = NewDisposeScope();
        return apply(input, gain, epsilon).MoveToOuterDisposeScope();
    }

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        (Tensor input, Tensor gain) = ((Tensor)vars[0], (Tensor)vars[1]);
        Tensor inverseRms = RmsNormRows.NewInverseRms(input, gain);
        ctx.save_for_backward([input, gain, inverseRms]);
        return RmsNormRows.Normalize(input, null, gain, (float)vars[2], inverseRms);
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> saved = ctx.get_saved_variables();
        NormedRows normed = new(saved[0], saved[2], saved[1]);
        (Tensor? input, Tensor? gain) = RmsNormRows.Gradients(normed, grad_output.contiguous(), null, (normed.Input.requires_grad, normed.Gain.requires_grad));
        BackwardPass.Release(ctx);
        return HandedGradients.Of([grad_output], input, gain, null);
    }
}
