namespace Pique.Formats.Gguf.Carriers;

/// <summary>Q2_0: −1 … 2 steps. Two's complement of 2 bits, −2 … 1 scales, fits with a step below zero.</summary>
internal sealed class Q20Carrier() : StepCarrier(GgufTensorType.Q2_0, -1, 2)
{
    /// <inheritdoc/>
    protected override void Pack(ReadOnlySpan<int> multiples, float step, Span<byte> block)
    {
        WriteHalf(block, step);
        for (int i = 0; i < multiples.Length; i++)
            block[2 + (i / 4)] |= (byte)((multiples[i] + 1) << (2 * (i % 4)));
    }
}
