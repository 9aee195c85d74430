namespace Pique.Numerics.Kernels;

/// <summary>Unpacks codes, eight at a time; <see cref="BitPacking.UnpackRow"/> is its scalar reference.</summary>
internal static unsafe class UnpackKernel
{
    /// <summary>Unpacks a row.</summary>
    /// <param name="packed">A packed row, <see cref="BitPacking.RowBytes"/> bytes.</param>
    /// <param name="bits">Bits a code, 1 to 8.</param>
    /// <param name="codes">Receives the codes.</param>
    /// <exception cref="ArgumentException">The length of <paramref name="packed"/> is wrong.</exception>
    public static void UnpackRow(ReadOnlySpan<byte> packed, int bits, Span<byte> codes)
    {
        int words = 0;
        if (bits is >= 1 and <= 8 && packed.Length >= sizeof(ulong) && packed.Length == BitPacking.RowBytes(codes.Length, bits))
        {
            // Eight codes are read as a word, of which they take b bytes.
            words = Math.Min(codes.Length / 8, ((packed.Length - sizeof(ulong)) / bits) + 1);
            CodeBits unpacking = new(bits);
            fixed (byte* source = packed, destination = codes)
            {
                for (int word = 0; word < words; word++)
                    *(ulong*)(destination + (8 * word)) = unpacking.Unpack(*(ulong*)(source + (bits * word)));
            }
        }

        BitPacking.UnpackRow(packed[(words * bits)..], bits, codes[(words * 8)..]);
    }
}
