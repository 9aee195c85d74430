using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Pique.Models.Llama;

/// <summary>Rotation of queries or keys, whose gradient is the rotation back and needs no input. Arguments: heads; <see cref="Call"/>.</summary>
internal sealed class RotaryFunction : SingleTensorFunction<RotaryFunction>
{
    public override string Name => nameof(RotaryFunction);

    /// <summary>Rotates.</summary>
    /// <param name="heads">Shape [batch, tokens, heads, headSize]; <see cref="RotaryHeads.Takes"/> them.</param>
    /// <param name="tables">cos, and sin with its first half negated; each [tokens, 1, headSize].</param>
    /// <param name="overwrites">Whether the heads are freshly made and may be overwritten.</param>
    public static Tensor Compute(Tensor heads, (Tensor Cos, Tensor SignedSin) tables, bool overwrites)
    {
        using DisposeScope scope = NewDisposeScope();
        return apply(heads, new Call(tables, overwrites)).MoveToOuterDisposeScope();
    }

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        (Tensor heads, Call call) = ((Tensor)vars[0], (Call)vars[1]);
        ctx.save_for_backward([call.Tables.Cos, call.Tables.SignedSin]);
        Tensor output = call.Overwrites ? Overwritten.By(heads) : empty_like(heads);
        RotaryHeads.Rotate(heads, call.Tables, back: false, output);
        return output;
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> saved = ctx.get_saved_variables();
        Tensor upstream = grad_output.stride(-1) == 1 ? grad_output : grad_output.contiguous();
        Tensor gradient = empty(grad_output.shape);
        RotaryHeads.Rotate(upstream, (saved[0], saved[1]), back: true, gradient);
        BackwardPass.Release(ctx);
        return HandedGradients.Of([grad_output], gradient, null);
    }

    /// <summary>What a call needs beside the heads.</summary>
    private sealed record Call((Tensor Cos, Tensor SignedSin) Tables, bool Overwrites);
}
