using System.Runtime.InteropServices;
using Pique.Formats.Safetensors;
using Pique.Numerics.Kernels;

namespace Pique.Formats.Gguf;

/// <summary>Reads blocks of every storage type as float32: the one place that knows which kernel belongs to which type.</summary>
internal static class GgufBlocks
{
    /// <summary>Reads whole blocks.</summary>
    /// <param name="type">The type.</param>
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
            case GgufTensorType.Q1_0:
                BlockDequantizeKernel.Run<Q10Blocks>(blocks, destination);
                break;
            case GgufTensorType.Q2_0:
                BlockDequantizeKernel.Run<Q20Blocks>(blocks, destination);
                break;
            case GgufTensorType.TQ1_0:
                BlockDequantizeKernel.Run<TQ10Blocks>(blocks, destination);
                break;
            case GgufTensorType.TQ2_0:
                BlockDequantizeKernel.Run<TQ20Blocks>(blocks, destination);
                break;
            case GgufTensorType.Q4_0:
                BlockDequantizeKernel.Run<Q40Blocks>(blocks, destination);
                break;
            case GgufTensorType.Q4_1:
                BlockDequantizeKernel.Run<Q41Blocks>(blocks, destination);
                break;
            case GgufTensorType.Q5_0:
                BlockDequantizeKernel.Run<Q50Blocks>(blocks, destination);
                break;
            case GgufTensorType.Q5_1:
                BlockDequantizeKernel.Run<Q51Blocks>(blocks, destination);
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
            case GgufTensorType.Q4_K:
                BlockDequantizeKernel.Run<Q4KBlocks>(blocks, destination);
                break;
            case GgufTensorType.Q5_K:
                BlockDequantizeKernel.Run<Q5KBlocks>(blocks, destination);
                break;
            case GgufTensorType.Q6_K:
                BlockDequantizeKernel.Run<Q6KBlocks>(blocks, destination);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, null);
        }
    }
}
