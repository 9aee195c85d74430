using System.Numerics;
using System.Runtime.InteropServices;

namespace Pique.Formats.Safetensors;

/// <summary>Converts between float32 and the 16-bit float types, exactly upwards and to the nearest (ties to even) downwards.</summary>
public static class FloatConversion
{
    /// <summary>BF16 to float32: exact.</summary>
    /// <param name="source">BF16 bit patterns.</param>
    /// <param name="destination">As many floats.</param>
    public static void WidenBFloat16(ReadOnlySpan<ushort> source, Span<float> destination)
    {
        Span<uint> bits = MemoryMarshal.Cast<float, uint>(destination)[..source.Length];
        int index = 0;
        for (; index <= source.Length - Vector<ushort>.Count; index += Vector<ushort>.Count)
        {
            Vector.Widen(new Vector<ushort>(source[index..]), out Vector<uint> low, out Vector<uint> high);
            (low << 16).CopyTo(bits[index..]);
            (high << 16).CopyTo(bits[(index + Vector<uint>.Count)..]);
        }

        for (; index < source.Length; index++)
            bits[index] = (uint)source[index] << 16;
    }

    /// <summary>F16 to float32: exact.</summary>
    /// <param name="source">Halves.</param>
    /// <param name="destination">As many floats.</param>
    public static void WidenHalf(ReadOnlySpan<Half> source, Span<float> destination)
    {
        for (int index = 0; index < source.Length; index++)
            destination[index] = (float)source[index];
    }

    /// <summary>Float32 to BF16, to the nearest, ties to even. NaN stays NaN; what exceeds the largest BF16 becomes infinite.</summary>
    /// <param name="source">Floats.</param>
    /// <param name="destination">As many BF16 bit patterns.</param>
    public static void NarrowBFloat16(ReadOnlySpan<float> source, Span<ushort> destination)
    {
        for (int index = 0; index < source.Length; index++)
        {
            uint bits = BitConverter.SingleToUInt32Bits(source[index]);
            destination[index] = float.IsNaN(source[index])
                ? (ushort)((bits >> 16) | 0x40)
                : (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
        }
    }

    /// <summary>Float32 to F16, to the nearest, ties to even. NaN stays NaN; what exceeds the largest half becomes infinite.</summary>
    /// <param name="source">Floats.</param>
    /// <param name="destination">As many halves.</param>
    public static void NarrowHalf(ReadOnlySpan<float> source, Span<Half> destination)
    {
        for (int index = 0; index < source.Length; index++)
            destination[index] = (Half)source[index];
    }
}
