using System.Numerics;
using System.Runtime.InteropServices;

namespace Pique.Formats;

/// <summary>Finds values that are not finite.</summary>
internal static class FiniteCheck
{
    private const uint ExponentMask = 0x7F80_0000;

    /// <summary>Index of the first NaN or infinity, or −1 where all values are finite.</summary>
    /// <param name="values">Any floats.</param>
    public static int IndexOfNonFinite(ReadOnlySpan<float> values)
    {
        ReadOnlySpan<uint> bits = MemoryMarshal.Cast<float, uint>(values);
        Vector<uint> mask = new(ExponentMask);
        int index = 0;
        while (index <= bits.Length - Vector<uint>.Count && !Vector.EqualsAny(new Vector<uint>(bits[index..]) & mask, mask))
            index += Vector<uint>.Count;

        for (; index < bits.Length; index++)
        {
            if ((bits[index] & ExponentMask) == ExponentMask)
                return index;
        }

        return -1;
    }

    /// <summary>Says which value of which tensor is not finite.</summary>
    /// <param name="value">NaN or an infinity.</param>
    /// <param name="shape">Shape of the tensor.</param>
    /// <param name="element">Index in row-major order.</param>
    /// <returns>For example "NaN at [3, 17]".</returns>
    public static string Describe(float value, IReadOnlyList<long> shape, long element)
    {
        long[] position = new long[shape.Count];
        for (int dimension = shape.Count - 1; dimension >= 0; dimension--)
            (element, position[dimension]) = Math.DivRem(element, shape[dimension]);
        string text = float.IsNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
        return $"{text} at {Shapes.Format(position)}";
    }
}
