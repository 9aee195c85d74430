namespace Pique.Formats.Gguf.Carriers;

/// <summary>Q4_0: −8 … 7 steps.</summary>
internal sealed class Q40Carrier() : StepCarrier(GgufTensorType.Q4_0, -8, 7)
{
    /// <inheritdoc/>
    protected override void Pack(ReadOnlySpan<int> multiples, float step, Span<byte> block)
    {
        WriteHalf(block, step);
        for (int j = 0; j < 16; j++)
            block[2 + j] = (byte)((multiples[j] + 8) | ((multiples[j + 16] + 8) << 4));
    }
}
