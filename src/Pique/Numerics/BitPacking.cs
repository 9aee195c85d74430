namespace Pique.Numerics;

/// <summary>Dense packing of codes of 1 to 8 bits.</summary>
/// <remarks>
/// Every row starts at a byte. Within a row, code i takes bits i·b … i·b + b − 1 of the row's bit string, and bit j of the string
/// is bit j mod 8 of byte j / 8, lowest bit first. Bits left over in a row's last byte are zero.
/// </remarks>
public static class BitPacking
{
    /// <summary>Bytes of a packed row.</summary>
    /// <param name="columns">Codes in a row.</param>
    /// <param name="bits">Bits a code, 1 to 8.</param>
    /// <returns>⌈columns·bits / 8⌉.</returns>
    public static long RowBytes(long columns, int bits) => ((columns * bits) + 7) / 8;

    /// <summary>Packs a row.</summary>
    /// <param name="codes">Codes, each below 2^bits.</param>
    /// <param name="bits">Bits a code, 1 to 8.</param>
    /// <param name="packed">Receives <see cref="RowBytes"/> bytes.</param>
    /// <exception cref="ArgumentException">The length of <paramref name="packed"/> is wrong or a code does not fit.</exception>
    public static void PackRow(ReadOnlySpan<byte> codes, int bits, Span<byte> packed)
    {
        RequireLength(codes.Length, bits, packed.Length);
        uint pending = 0;
        int pendingBits = 0;
        int next = 0;
        foreach (byte code in codes)
        {
            if (code >> bits != 0)
                throw new ArgumentException($"Code {code} does not fit in {bits} bits.", nameof(codes));
            pending |= (uint)code << pendingBits;
            pendingBits += bits;
            if (pendingBits >= 8)
            {
                packed[next++] = (byte)pending;
                pending >>= 8;
                pendingBits -= 8;
            }
        }

        if (pendingBits > 0)
            packed[next] = (byte)pending;
    }

    /// <summary>Unpacks a row.</summary>
    /// <param name="packed">A packed row, <see cref="RowBytes"/> bytes.</param>
    /// <param name="bits">Bits a code, 1 to 8.</param>
    /// <param name="codes">Receives the codes.</param>
    /// <exception cref="ArgumentException">The length of <paramref name="packed"/> is wrong.</exception>
    public static void UnpackRow(ReadOnlySpan<byte> packed, int bits, Span<byte> codes)
    {
        RequireLength(codes.Length, bits, packed.Length);
        uint mask = (1u << bits) - 1;
        uint pending = 0;
        int pendingBits = 0;
        int next = 0;
        for (int i = 0; i < codes.Length; i++)
        {
            if (pendingBits < bits)
            {
                pending |= (uint)packed[next++] << pendingBits;
                pendingBits += 8;
            }

            codes[i] = (byte)(pending & mask);
            pending >>= bits;
            pendingBits -= bits;
        }
    }

    private static void RequireLength(int codeCount, int bits, int packedBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 8);
        long expected = RowBytes(codeCount, bits);
        if (packedBytes != expected)
            throw new ArgumentException($"Found {packedBytes} bytes, expected {expected} for {codeCount} codes of {bits} bits.");
    }
}
