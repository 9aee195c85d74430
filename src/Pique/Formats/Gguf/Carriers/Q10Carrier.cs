namespace Pique.Formats.Gguf.Carriers;

/// <summary>Q1_0: one step up or down.</summary>
internal sealed class Q10Carrier() : StepCarrier(GgufTensorType.Q1_0, -1, 1)
{
    /// <inheritdoc/>
    protected override bool HasCode(int multiple) => multiple != 0;

    /// <inheritdoc/>
    protected override void Pack(ReadOnlySpan<int> multiples, float step, Span<byte> block)
    {
        WriteHalf(block, step);
        for (int i = 0; i < multiples.Length; i++)
            block[2 + (i / 8)] |= (byte)((multiples[i] > 0 ? 1 : 0) << (i % 8));
    }
}
