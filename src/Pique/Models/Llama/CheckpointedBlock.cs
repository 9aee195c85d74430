using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.autograd;

namespace Pique.Models.Llama;

/// <summary>
/// A transformer block of which only the input is kept for the backward pass; there the block is computed once more. Arguments: stream; <see cref="Call"/>.
/// </summary>
/// <remarks>
/// Gradient checkpointing, Chen et al. 2016, arXiv:1604.06174. The block is deterministic and its parameters do not change between the two passes, so its
/// gradients are those of an ordinary pass, bit for bit. Gradients of parameters go straight into their <c>grad</c>.
/// </remarks>
internal sealed class CheckpointedBlock : SingleTensorFunction<CheckpointedBlock>
{
    private const string CallKey = "call";

    public override string Name => nameof(CheckpointedBlock);

    /// <summary>Runs a block.</summary>
    /// <param name="block">The block.</param>
    /// <param name="stream">Residual stream, shape [batch, tokens, hidden], with a gradient of its own.</param>
    /// <param name="context">Makes what the block shares with the others in this pass, anew each time: that of the forward pass is gone by then.</param>
    /// <returns>Same shape.</returns>
    public static Tensor Run(LlamaBlock block, Tensor stream, Func<AttentionContext> context) => apply(stream, new Call(block, context));

    public override Tensor forward(AutogradContext ctx, params object[] vars)
    {
        Tensor stream = (Tensor)vars[0];
        Call call = (Call)vars[1];
        ctx.save_data(CallKey, call);
        ctx.save_for_backward([stream]);
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        return call.Block.Advance(stream, call.Context()).MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(AutogradContext ctx, Tensor grad_output)
    {
        Call call = (Call)ctx.get_data(CallKey);
        using DisposeScope scope = NewDisposeScope();
        using IDisposable gradient = enable_grad();
        Tensor stream = ctx.get_saved_variables()[0].detach().requires_grad_();
        BackwardPass.Release(ctx);
        BackwardPass.Run(call.Block.Advance(stream, call.Context()), grad_output);
        return HandedGradients.Of([grad_output], stream.grad, null);
    }

    /// <summary>What a call needs beside the stream.</summary>
    private sealed record Call(LlamaBlock Block, Func<AttentionContext> Context);
}
