using System.Runtime.InteropServices;
using Pique.Formats.Safetensors;
using Pique.Numerics.Kernels;

namespace Pique.Formats.Gguf;

/// <summary>Reads blocks of every storage type as float32: the one place that knows which kernel belongs to which type.</summary>
internal static class GgufBlocks
{
    /// <summary>Whether <see cref="Dequantize"/> knows a type.</summary>
    public static bool CanDequantize(GgufTensorType type) => type is GgufTensorType.F32 or GgufTensorType.F16 or GgufTensorType.BF16
        or GgufTensorType.Q4_0 or GgufTensorType.Q8_0 or GgufTensorType.Q2_K or GgufTensorType.Q3_K;

    /// <summary>Reads whole blocks.</summary>
    /// <param name="type">A type that <see cref="CanDequantize"/>.</param>
    /// <param name="blocks">Whole blocks.</param>
    /// <param name="destination">Receives all their weights.</param>
    public static void Dequantize(GgufTensorType type, ReadOnlySpan<byte> blocks, Span<float> destination)
    {
        switch (type)
        {
            case GgufTensorType.F32:
                blocks.CopyTo(MemoryMarshal.AsBytes(destination));
                break;
            case GgufTensorType.F16:
                FloatConversion.WidenHalf(MemoryMarshal.Cast<byte, Half>(blocks), destination);
                break;
            case GgufTensorType.BF16:
                FloatConversion.WidenBFloat16(MemoryMarshal.Cast<byte, ushort>(blocks), destination);
                break;
            case GgufTensorType.Q4_0:
                BlockDequantizeKernel.Run<Q40Blocks>(blocks, destination);
                break;
            case GgufTensorType.Q8_0:
                BlockDequantizeKernel.Run<Q80Blocks>(blocks, destination);
                break;
            case GgufTensorType.Q2_K:
                BlockDequantizeKernel.Run<Q2KBlocks>(blocks, destination);
                break;
            case GgufTensorType.Q3_K:
                BlockDequantizeKernel.Run<Q3KBlocks>(blocks, destination);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, null);
        }
    }
}
