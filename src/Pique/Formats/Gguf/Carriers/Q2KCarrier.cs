namespace Pique.Formats.Gguf.Carriers;

/// <summary>Q2_K: 2-bit codes; a 4-bit scale and minimum for every 16 weights.</summary>
internal sealed class Q2KCarrier() : MinimumCarrier(GgufTensorType.Q2_K, codeBits: 2, groupWeights: 16, fieldBits: 4)
{
    private const int CodesAt = 16;
    private const int DAt = 80;
    private const int DMinAt = 82;

    /// <inheritdoc/>
    protected override void Pack(ReadOnlySpan<byte> codes, float d, float dMin, ReadOnlySpan<int> scales, ReadOnlySpan<int> minima, Span<byte> block)
    {
        for (int group = 0; group < scales.Length; group++)
            block[group] = (byte)(scales[group] | (minima[group] << 4));
        for (int i = 0; i < codes.Length; i++)
            TwoBitPlanes.Set(block[CodesAt..], i, codes[i]);
        WriteHalf(block[DAt..], d);
        WriteHalf(block[DMinAt..], dMin);
    }
}
