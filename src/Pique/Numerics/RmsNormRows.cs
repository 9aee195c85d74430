using Pique.Numerics.Kernels;
using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>Root-mean-square normalization of tensors by the kernels: x·r·gain with r = 1/√(mean(x²) + ε) over the last dimension (Zhang and Sennrich 2019, arXiv:1910.07467, equation 4).</summary>
internal static class RmsNormRows
{
    /// <summary>Whether the kernels can normalize the tensor.</summary>
    public static bool Takes(Tensor input, Tensor gain) => TensorPointer.IsAccessible(input) && TensorPointer.IsAccessible(gain);

    /// <summary>Normalizes rows.</summary>
    /// <param name="input">Shape [..., width]; overwritten by the sum where there is an addend.</param>
    /// <param name="addend">Same shape, added before; null for none.</param>
    /// <param name="gain">Shape [width].</param>
    /// <param name="epsilon">ε.</param>
    /// <param name="inverseRms">Receives r, a value a row; null where nobody asks.</param>
    /// <param name="form">Form of the kernel; null for the best.</param>
    /// <returns>Same shape as the input.</returns>
    public static unsafe Tensor Normalize(Tensor input, Tensor? addend, Tensor gain, float epsilon, Tensor? inverseRms = null, KernelForm? form = null)
    {
        Tensor output = empty_like(input);
        long width = gain.numel();
        RmsNormKernel.Run(
            new RmsNormKernel.Arguments
            {
                RowCount = RowCount(input, width),
                Width = (int)width,
                Epsilon = epsilon,
                Input = TensorPointer.Of(input),
                Addend = OrNull(addend),
                Gain = TensorPointer.Of(gain),
                Output = TensorPointer.Of(output),
                InverseRms = OrNull(inverseRms),
            },
            form ?? KernelForms.Best);
        return output;
    }

    /// <summary>Room for r of every row.</summary>
    public static Tensor NewInverseRms(Tensor input, Tensor gain) => empty(RowCount(input, gain.numel()));

    /// <summary>Computes the gradients.</summary>
    /// <param name="normed">What was normalized, and how.</param>
    /// <param name="upstream">Gradient of the normalized rows, same shape as they.</param>
    /// <param name="beside">Gradient that reaches the input on another way and is added to its gradient; null for none.</param>
    /// <param name="wanted">Which gradients are computed.</param>
    /// <param name="form">Form of the kernel; null for the best.</param>
    /// <returns>Gradients of input and gain; null where not wanted.</returns>
    public static unsafe (Tensor? Input, Tensor? Gain) Gradients(NormedRows normed, Tensor upstream, Tensor? beside, (bool Input, bool Gain) wanted, KernelForm? form = null)
    {
        long width = normed.Gain.numel(), rowCount = RowCount(normed.Input, width);
        Tensor? inputGradient = wanted.Input ? empty_like(normed.Input) : null;
        Tensor? gainGradient = wanted.Gain ? empty_like(normed.Gain) : null;
        using Tensor? sums = wanted.Gain ? empty(RmsNormGradientKernel.SliceCount(rowCount), width) : null;
        RmsNormGradientKernel.Run(
            new RmsNormGradientKernel.Arguments
            {
                RowCount = rowCount,
                Width = (int)width,
                Input = TensorPointer.Of(normed.Input),
                InverseRms = TensorPointer.Of(normed.InverseRms),
                Gain = TensorPointer.Of(normed.Gain),
                Upstream = TensorPointer.Of(upstream),
                Beside = OrNull(beside),
                InputGradient = OrNull(inputGradient),
                GainGradient = OrNull(gainGradient),
                SliceSums = OrNull(sums),
            },
            form ?? KernelForms.Best);
        return (inputGradient, gainGradient);
    }

    private static long RowCount(Tensor input, long width)
    {
        long[] shape = input.shape;
        return shape.Length > 0 && shape[^1] == width && width > 0
            ? input.numel() / width
            : throw new ArgumentException($"Found shape [{string.Join(", ", shape)}], expected a last dimension of length {width}.", nameof(input));
    }

    private static unsafe float* OrNull(Tensor? tensor) => tensor is null ? null : TensorPointer.Of(tensor);
}

/// <summary>What a normalization keeps for its gradients.</summary>
/// <param name="Input">The rows before, shape [..., width].</param>
/// <param name="InverseRms">1/√(mean(x²) + ε) of every row.</param>
/// <param name="Gain">Shape [width].</param>
internal readonly record struct NormedRows(Tensor Input, Tensor InverseRms, Tensor Gain);
