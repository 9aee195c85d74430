using Pique.Numerics.Kernels;

namespace Pique.Formats.Gguf.Carriers;

/// <summary>Q4_K: 4-bit codes; a 6-bit scale and minimum for every 32 weights.</summary>
internal sealed class Q4KCarrier() : MinimumCarrier(GgufTensorType.Q4_K, codeBits: 4, groupWeights: 32, fieldBits: 6)
{
    private const int ScalesAt = 4;
    private const int CodesAt = 16;

    /// <inheritdoc/>
    protected override void Pack(ReadOnlySpan<byte> codes, float d, float dMin, ReadOnlySpan<int> scales, ReadOnlySpan<int> minima, Span<byte> block)
    {
        WriteHalf(block, d);
        WriteHalf(block[2..], dMin);
        for (int group = 0; group < scales.Length; group++)
            SixBitScales.Write(block[ScalesAt..], group, scales[group], minima[group]);
        for (int i = 0; i < codes.Length; i++)
            block[CodesAt + (i / 64 * 32) + (i % 32)] |= (byte)(codes[i] << (4 * (i / 32 % 2)));
    }
}
