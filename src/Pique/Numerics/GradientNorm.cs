using Pique.Numerics.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>The Euclidean norm over many tensors: one pass of a kernel over those it can read, plain torch operations for others.</summary>
internal static class GradientNorm
{
    /// <summary>Computes √Σx² over all values of all tensors.</summary>
    /// <param name="tensors">The tensors, float32.</param>
    /// <returns>The norm, the same on any number of threads; not finite where a value is not, or where a float32 sum of squares overflows.</returns>
    public static double Of(IReadOnlyList<Tensor> tensors)
    {
        using IDisposable guard = no_grad();
        using DisposeScope scope = NewDisposeScope();
        double squares = Sum([.. tensors.Where(TensorPointer.IsAccessible)], KernelForms.Best);
        foreach (Tensor other in tensors.Where(tensor => !TensorPointer.IsAccessible(tensor)))
        {
            double norm = other.norm().ToDouble();
            squares += norm * norm;
        }

        return Math.Sqrt(squares);
    }

    /// <summary>Σx² by the kernel.</summary>
    /// <param name="tensors">Tensors that it can read.</param>
    /// <param name="form">Form of the kernel.</param>
    internal static unsafe double Sum(IReadOnlyList<Tensor> tensors, KernelForm form)
    {
        nint[] addresses = new nint[tensors.Count];
        for (int tensor = 0; tensor < addresses.Length; tensor++)
            addresses[tensor] = (nint)TensorPointer.Of(tensors[tensor]);
        double sum = SumOfSquaresKernel.Run(addresses, [.. tensors.Select(tensor => tensor.numel())], form);
        GC.KeepAlive(tensors);
        return sum;
    }
}
