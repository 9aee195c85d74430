namespace Pique.Formats.Gguf.Carriers;

/// <summary>The 64 bytes of 2-bit codes of Q2_K, Q3_K and TQ2_0: two halves of 32, byte l of a half with weights l, l + 32, l + 64 and l + 96, lowest bits first.</summary>
internal static class TwoBitPlanes
{
    /// <summary>Bytes of 256 codes.</summary>
    public const int Bytes = 64;

    /// <summary>Writes a code into bytes that were zero.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="weight">Index of the weight, 0 to 255.</param>
    /// <param name="code">0 to 3.</param>
    public static void Set(Span<byte> bytes, int weight, int code) =>
        bytes[(weight / 128 * 32) + (weight % 32)] |= (byte)(code << (weight % 128 / 32 * 2));
}
