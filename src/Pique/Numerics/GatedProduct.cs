using Pique.Numerics.Kernels;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>silu(gate)·up of tensors by the kernel (SwiGLU, Shazeer 2020, arXiv:2002.05202, equation 6).</summary>
internal static class GatedProduct
{
    /// <summary>Whether the kernel can multiply the tensors.</summary>
    public static bool Takes(Tensor gate, Tensor up) => TensorPointer.IsAccessible(gate) && TensorPointer.IsAccessible(up);

    /// <summary>Computes the product.</summary>
    /// <param name="gate">Any shape.</param>
    /// <param name="up">Same shape.</param>
    /// <param name="output">Receives it; may be either.</param>
    /// <param name="form">Form of the kernel; null for the best.</param>
    public static unsafe void Multiply(Tensor gate, Tensor up, Tensor output, KernelForm? form = null) => GateKernel.Run(
        new GateKernel.Arguments
        {
            Count = CommonCount(gate, up, output),
            Gate = TensorPointer.Of(gate),
            Up = TensorPointer.Of(up),
            Output = TensorPointer.Of(output),
        },
        form ?? KernelForms.Best);

    /// <summary>Computes both gradients.</summary>
    /// <param name="gate">Any shape.</param>
    /// <param name="up">Same shape.</param>
    /// <param name="upstream">Gradient of the product, same shape.</param>
    /// <param name="form">Form of the kernel; null for the best.</param>
    public static unsafe (Tensor Gate, Tensor Up) Gradients(Tensor gate, Tensor up, Tensor upstream, KernelForm? form = null)
    {
        Tensor gateGradient = empty_like(gate), upGradient = empty_like(up);
        if (CommonCount(gate, up, upstream) is > 0 and long count)
        {
            GateKernel.Run(
                new GateKernel.Arguments
                {
                    Count = count,
                    Gate = TensorPointer.Of(gate),
                    Up = TensorPointer.Of(up),
                    Upstream = TensorPointer.Of(upstream),
                    GateGradient = TensorPointer.Of(gateGradient),
                    UpGradient = TensorPointer.Of(upGradient),
                },
                form ?? KernelForms.Best);
        }

        return (gateGradient, upGradient);
    }

    private static long CommonCount(Tensor gate, Tensor up, Tensor third)
    {
        long count = gate.numel();
        return up.numel() == count && third.numel() == count
            ? count
            : throw new ArgumentException($"Found {count}, {up.numel()} and {third.numel()} values, expected as many of each.", nameof(gate));
    }
}
