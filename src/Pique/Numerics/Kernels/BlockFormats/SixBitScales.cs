namespace Pique.Numerics.Kernels;

/// <summary>The twelve bytes in which Q4_K and Q5_K hold a 6-bit scale and a 6-bit minimum for each of eight groups of 32 weights.</summary>
/// <remarks>Groups 0 … 3 lie in the low six bits of bytes 0 … 3 (scales) and 4 … 7 (minima). Group j from 4 on has its low four bits in byte j + 4, scale below minimum, and its high two above those of byte j − 4 (scale) and j (minimum).</remarks>
internal static unsafe class SixBitScales
{
    /// <summary>Bytes of all scales and minima.</summary>
    public const int Bytes = 12;

    /// <summary>Reads a group's.</summary>
    /// <param name="packed">The twelve bytes.</param>
    /// <param name="group">Group, 0 to 7.</param>
    public static (int Scale, int Minimum) Read(byte* packed, int group) => group < 4
        ? (packed[group] & 63, packed[group + 4] & 63)
        : ((packed[group + 4] & 15) | (packed[group - 4] >> 6 << 4), (packed[group + 4] >> 4) | (packed[group] >> 6 << 4));

    /// <summary>Writes a group's into bytes that were zero.</summary>
    /// <param name="packed">The twelve bytes.</param>
    /// <param name="group">Group, 0 to 7.</param>
    /// <param name="scale">0 to 63.</param>
    /// <param name="minimum">0 to 63.</param>
    public static void Write(Span<byte> packed, int group, int scale, int minimum)
    {
        if (group < 4)
        {
            packed[group] |= (byte)scale;
            packed[group + 4] |= (byte)minimum;
            return;
        }

        packed[group + 4] = (byte)((scale & 15) | (minimum << 4));
        packed[group - 4] |= (byte)(scale >> 4 << 6);
        packed[group] |= (byte)(minimum >> 4 << 6);
    }
}
