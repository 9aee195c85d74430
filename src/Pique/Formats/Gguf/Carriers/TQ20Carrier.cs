namespace Pique.Formats.Gguf.Carriers;

/// <summary>TQ2_0: −1 … 1 steps. (Its code 3 would be 2 steps; runtimes do not all read it.)</summary>
internal sealed class TQ20Carrier() : StepCarrier(GgufTensorType.TQ2_0, -1, 1)
{
    private const int DAt = 64;

    /// <inheritdoc/>
    protected override void Pack(ReadOnlySpan<int> multiples, float step, Span<byte> block)
    {
        for (int i = 0; i < multiples.Length; i++)
            TwoBitPlanes.Set(block, i, multiples[i] + 1);
        WriteHalf(block[DAt..], step);
    }
}
