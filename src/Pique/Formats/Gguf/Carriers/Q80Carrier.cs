namespace Pique.Formats.Gguf.Carriers;

/// <summary>Q8_0: −128 … 127 steps.</summary>
internal sealed class Q80Carrier() : StepCarrier(GgufTensorType.Q8_0, sbyte.MinValue, sbyte.MaxValue)
{
    /// <inheritdoc/>
    protected override void Pack(ReadOnlySpan<int> multiples, float step, Span<byte> block)
    {
        WriteHalf(block, step);
        for (int j = 0; j < multiples.Length; j++)
            block[2 + j] = (byte)(sbyte)multiples[j];
    }
}
