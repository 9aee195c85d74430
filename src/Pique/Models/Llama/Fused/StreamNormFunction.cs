using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Pique.Models.Llama;

/// <summary>
/// A residual stream, with what a layer adds to it, and the norm of it that the next layer reads. Arguments: stream; addend, or null; gain; ε.
/// Results: the stream; its norm.
/// </summary>
/// <remarks>
/// The stream goes on in two directions, and its two gradients meet here: they are added in the pass that computes one of them. The sum is
/// written over the addend. Saved for the backward pass beside the stream: one value a row.
/// </remarks>
internal sealed class StreamNormFunction : MultiTensorFunction<StreamNormFunction>
{
    private const string WantedKey = "wanted";

    public override string Name => nameof(StreamNormFunction);

    /// <summary>Adds and normalizes.</summary>
    /// <param name="stream">Shape [..., width]; <see cref="RmsNormRows.Takes"/> it.</param>
    /// <param name="addend">Same shape, freshly made; it is overwritten. Null for none.</param>
    /// <param name="gain">Shape [width].</param>
    /// <param name="epsilon">ε.</param>
    public static (Tensor Stream, Tensor Normed) Compute(Tensor stream, Tensor? addend, Tensor gain, float epsilon)
    {
        using DisposeScope scope = NewDisposeScope();
        List<Tensor> results = apply(stream, addend!, gain, epsilon);
        return (results[0].MoveToOuterDisposeScope(), results[1].MoveToOuterDisposeScope());
    }

    public override List<Tensor> forward(AutogradContext ctx, params object[] vars)
    {
        (Tensor stream, Tensor? addend, Tensor gain) = ((Tensor)vars[0], (Tensor?)vars[1], (Tensor)vars[2]);
        ctx.set_materialize_grads(false);
        ctx.save_data(WantedKey, (stream.requires_grad, addend is { requires_grad: true }, gain.requires_grad));
        Tensor inverseRms = RmsNormRows.NewInverseRms(stream, gain);
        Tensor normed = RmsNormRows.Normalize(addend ?? stream, addend is null ? null : stream, gain, (float)vars[3], inverseRms);
        Tensor onward = addend is null ? stream.detach() : Overwritten.By(addend);
        ctx.save_for_backward([onward, gain, inverseRms]);
        return [onward, normed];
    }

    public override List<Tensor> backward(AutogradContext ctx, List<Tensor> grad_outputs)
    {
        using DisposeScope scope = NewDisposeScope();
        (bool wantsStream, bool wantsAddend, bool wantsGain) = ((bool, bool, bool))ctx.get_data(WantedKey);
        List<Tensor> saved = ctx.get_saved_variables();
        Tensor? beside = grad_outputs[0].IsInvalid ? null : grad_outputs[0].contiguous();
        (Tensor? sum, Tensor? gain) = grad_outputs[1].IsInvalid
            ? (beside, null)
            : RmsNormRows.Gradients(new NormedRows(saved[0], saved[2], saved[1]), grad_outputs[1].contiguous(), beside, (wantsStream || wantsAddend, wantsGain));
        BackwardPass.Release(ctx);
        return HandedGradients.Of(grad_outputs, wantsStream ? sum : null, wantsAddend ? sum : null, gain, null);
    }
}
