namespace Pique.Formats.Gguf.Carriers;

/// <summary>Q3_K: −4 … 3 steps; for every 16 weights a step of 1 to 31 times d.</summary>
internal sealed class Q3KCarrier() : Carrier(GgufTensorType.Q3_K)
{
    private const int Groups = 16;
    private const int LargestScale = 31;
    private const int ScaleOffset = 32;
    private const int LowAt = 32;
    private const int ScalesAt = 96;
    private const int DAt = 108;

    /// <inheritdoc/>
    public override bool TryWrite(GridBlock source, Span<byte> block)
    {
        Span<int> scales = stackalloc int[Groups];
        Span<int> levels = stackalloc int[source.Codes.Length];
        for (int candidate = 0; candidate < GridBlock.CandidateCount; candidate++)
        {
            if (!source.TryStep(candidate, out float d))
                continue;
            if (d > 0 && FindLevels(source, d, scales, levels))
            {
                Pack(d, scales, levels, block);
                return true;
            }
        }

        return false;
    }

    private static bool FindLevels(GridBlock source, float d, Span<int> scales, Span<int> levels)
    {
        for (int group = 0; group < scales.Length; group++)
        {
            int first = group * Groups;
            // On the half-integer grid the step is half the scale.
            float step = source.Zeros[first] == MathF.Floor(source.Zeros[first]) ? source.Scales[first] : source.Scales[first] / 2;
            if (!source.IsOneGroup(first, Groups) || !GridBlock.TryMultiple(step, d, 1, LargestScale, out scales[group]))
                return false;
            for (int i = first; i < first + Groups; i++)
            {
                if (!GridBlock.TryMultiple(source.Weight(i), step, -4, 3, out levels[i]))
                    return false;
            }
        }

        return true;
    }

    private static void Pack(float d, ReadOnlySpan<int> scales, ReadOnlySpan<int> levels, Span<byte> block)
    {
        for (int i = 0; i < levels.Length; i++)
        {
            int code = levels[i] + 4;
            block[i % 32] |= (byte)(code >> 2 << (i / 32));
            TwoBitPlanes.Set(block[LowAt..], i, code & 3);
        }

        for (int group = 0; group < scales.Length; group++)
        {
            int scale = scales[group] + ScaleOffset;
            block[ScalesAt + (group % 8)] |= (byte)((scale & 15) << (group / 8 * 4));
            block[ScalesAt + 8 + (group % 4)] |= (byte)(scale >> 4 << (group / 4 * 2));
        }

        WriteHalf(block[DAt..], d);
    }
}
