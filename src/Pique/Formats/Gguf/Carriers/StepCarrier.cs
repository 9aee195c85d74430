namespace Pique.Formats.Gguf.Carriers;

/// <summary>A type whose weights are integer multiples of one float16 a block.</summary>
/// <param name="type">The type.</param>
/// <param name="least">Lowest multiple.</param>
/// <param name="most">Highest multiple.</param>
internal abstract class StepCarrier(GgufTensorType type, int least, int most) : Carrier(type)
{
    /// <inheritdoc/>
    public override bool TryWrite(GridBlock source, Span<byte> block)
    {
        Span<int> multiples = stackalloc int[source.Codes.Length];
        for (int candidate = 0; candidate < GridBlock.CandidateCount; candidate++)
        {
            if (!source.TryStep(candidate, out float step))
                continue;
            if (AreMultiples(source, step, multiples))
            {
                Pack(multiples, step, block);
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the type has a code for a multiple within its bounds; all, if not told otherwise.</summary>
    /// <param name="multiple">The multiple.</param>
    protected virtual bool HasCode(int multiple) => true;

    /// <summary>Writes a block.</summary>
    /// <param name="multiples">Every weight in steps.</param>
    /// <param name="step">The step, a float16 value.</param>
    /// <param name="block">Receives the block; zeros before.</param>
    protected abstract void Pack(ReadOnlySpan<int> multiples, float step, Span<byte> block);

    private bool AreMultiples(GridBlock source, float step, Span<int> multiples)
    {
        for (int i = 0; i < multiples.Length; i++)
        {
            if (!GridBlock.TryMultiple(source.Weight(i), step, least, most, out multiples[i]) || !HasCode(multiples[i]))
                return false;
        }

        return true;
    }
}
