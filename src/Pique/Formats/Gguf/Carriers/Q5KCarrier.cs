using Pique.Numerics.Kernels;

namespace Pique.Formats.Gguf.Carriers;

/// <summary>Q5_K: 5-bit codes; a 6-bit scale and minimum for every 32 weights.</summary>
internal sealed class Q5KCarrier() : MinimumCarrier(GgufTensorType.Q5_K, codeBits: 5, groupWeights: 32, fieldBits: 6)
{
    private const int ScalesAt = 4;
    private const int HighAt = 16;
    private const int CodesAt = 48;

    /// <inheritdoc/>
    protected override void Pack(ReadOnlySpan<byte> codes, float d, float dMin, ReadOnlySpan<int> scales, ReadOnlySpan<int> minima, Span<byte> block)
    {
        WriteHalf(block, d);
        WriteHalf(block[2..], dMin);
        for (int group = 0; group < scales.Length; group++)
            SixBitScales.Write(block[ScalesAt..], group, scales[group], minima[group]);
        for (int i = 0; i < codes.Length; i++)
        {
            block[HighAt + (i % 32)] |= (byte)(codes[i] >> 4 << (i / 32));
            block[CodesAt + (i / 64 * 32) + (i % 32)] |= (byte)((codes[i] & 15) << (4 * (i / 32 % 2)));
        }
    }
}
