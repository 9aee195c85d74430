namespace Pique.Formats.Gguf.Carriers;

/// <summary>A K-quant with minima: w = (d·scale)·code − dmin·minimum, so that a grid's codes stay as they are and its zero becomes the minimum.</summary>
/// <param name="type">The type.</param>
/// <param name="codeBits">Bits of its codes.</param>
/// <param name="groupWeights">Weights that share a scale and a minimum.</param>
/// <param name="fieldBits">Bits of a scale and of a minimum.</param>
internal abstract class MinimumCarrier(GgufTensorType type, int codeBits, int groupWeights, int fieldBits) : Carrier(type)
{
    /// <summary>Weights of a block.</summary>
    protected const int Weights = 256;

    /// <inheritdoc/>
    /// <remarks>d is the grid's step or half of it; dmin is d times a power of two, so that a zero as far off as 2^(bits−1) steps fits the minimum's few bits.</remarks>
    public override bool TryWrite(GridBlock source, Span<byte> block)
    {
        if (source.Codes.ContainsAnyExceptInRange((byte)0, (byte)((1 << codeBits) - 1)))
            return false;

        Span<int> scales = stackalloc int[Weights / groupWeights];
        Span<int> minima = stackalloc int[Weights / groupWeights];
        for (int candidate = 0; candidate < GridBlock.CandidateCount; candidate++)
        {
            if (!source.TryStep(candidate, out float d))
                continue;
            for (int power = 0; power < codeBits; power++)
            {
                float dMin = d * (1 << power);
                if (d > 0 && GridBlock.IsHalf(dMin) && FindFields(source, d, dMin, scales, minima))
                {
                    Pack(source.Codes, d, dMin, scales, minima, block);
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>Writes a block.</summary>
    protected abstract void Pack(ReadOnlySpan<byte> codes, float d, float dMin, ReadOnlySpan<int> scales, ReadOnlySpan<int> minima, Span<byte> block);

    private bool FindFields(GridBlock source, float d, float dMin, Span<int> scales, Span<int> minima)
    {
        int largest = (1 << fieldBits) - 1;
        for (int group = 0; group < scales.Length; group++)
        {
            int first = group * groupWeights;
            if (!source.IsOneGroup(first, groupWeights)
                || !GridBlock.TryMultiple(source.Scales[first], d, 1, largest, out scales[group])
                || !GridBlock.TryMultiple(source.Zeros[first] * source.Scales[first], dMin, 0, largest, out minima[group]))
            {
                return false;
            }
        }

        return true;
    }
}
