using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Formats;

/// <summary>Visits a tensor's values in place, piece by piece, so that no tensor is ever copied as a whole.</summary>
internal static class TensorMemory
{
    /// <summary>Largest piece; four megabytes.</summary>
    public const int PieceElements = 1 << 20;

    /// <summary>Receives consecutive values of a tensor.</summary>
    /// <param name="firstElement">Index of the first value, in row-major order.</param>
    /// <param name="values">The tensor's own memory; valid during the call only.</param>
    public delegate void Visitor(long firstElement, Span<float> values);

    /// <summary>Visits all values in order.</summary>
    /// <param name="tensor">Any shape, float32, contiguous, on the CPU.</param>
    /// <param name="visit">Called with one piece after another; what it writes is written to the tensor.</param>
    public static void Visit(Tensor tensor, Visitor visit)
    {
        if (tensor.dtype != ScalarType.Float32 || tensor.device_type != DeviceType.CPU || !tensor.is_contiguous())
            throw new ArgumentException($"tensor is {tensor.dtype} on {tensor.device_type}, expected contiguous float32 on the CPU", nameof(tensor));

        using DisposeScope scope = NewDisposeScope();
        using Tensor flat = tensor.detach().view(-1);
        for (long first = 0; first < flat.shape[0]; first += PieceElements)
        {
            using Tensor piece = flat.narrow(0, first, Math.Min(PieceElements, flat.shape[0] - first));
            visit(first, MemoryMarshal.Cast<byte, float>(piece.bytes));
        }
    }
}
