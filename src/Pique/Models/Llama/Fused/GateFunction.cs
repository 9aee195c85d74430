using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Pique.Models.Llama;

/// <summary>silu(gate)·up, whose backward pass gives both gradients at once. Arguments: gate; up.</summary>
/// <remarks>
/// Saved for the backward pass: the arguments; the sigmoid is computed again. The gradients are not written over them: a second backward pass
/// through the same graph would read them there.
/// </remarks>
internal sealed class GateFunction : SingleTensorFunction<GateFunction>
{
    public override string Name => nameof(GateFunction);

    /// <summary>Computes the product.</summary>
    /// <param name="gate">Any shape; <see cref="GatedProduct.Takes"/> it.</param>
    /// <param name="up">Same shape.</param>
    public static Tensor Compute(Tensor gate, Tensor up)
    {
        using DisposeScope scope = NewDisposeScope();
        return apply(gate, up).MoveToOuterDisposeScope();
    }

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        (Tensor gate, Tensor up) = ((Tensor)vars[0], (Tensor)vars[1]);
        ctx.save_for_backward([gate, up]);
        Tensor output = empty_like(gate);
        GatedProduct.Multiply(gate, up, output);
        return output;
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> saved = ctx.get_saved_variables();
        (Tensor gate, Tensor up) = GatedProduct.Gradients(saved[0], saved[1], grad_output.contiguous());
        BackwardPass.Release(ctx);
        return HandedGradients.Of([grad_output], saved[0].requires_grad ? gate : null, saved[1].requires_grad ? up : null);
    }
}
