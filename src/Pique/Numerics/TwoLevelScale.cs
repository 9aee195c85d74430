using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>
/// Scales in two levels, as llama.cpp's K-quants hold them: a float16 super-scale d for <see cref="SuperBlockWeights"/> weights of a
/// line, and for each block of 16 or 32 a small integer k; the block's scale is d·k. See docs/math.md §9.
/// </summary>
/// <remarks>d has 11 significant bits and k at most 6, so that d·k is exact in float32: what the forward pass uses is what a K-quant reads back as.</remarks>
public static class TwoLevelScale
{
    /// <summary>Weights that share a super-scale.</summary>
    public const int SuperBlockWeights = 256;

    /// <summary>Largest k a K-quant of so many bits holds: Q2_K 15, Q3_K 31, Q4_K and Q5_K 63.</summary>
    /// <param name="bits">Bits a code, 2 to 5.</param>
    /// <returns>The largest k; 0 where no K-quant of so many bits has two-level scales.</returns>
    public static int LargestMultiplier(int bits) => bits switch
    {
        2 => 15,
        3 => 31,
        4 or 5 => 63,
        _ => 0,
    };

    /// <summary>Whether a K-quant of so many bits has blocks of this size: 32, or at 2 and 3 bits 16.</summary>
    /// <param name="bits">Bits a code.</param>
    /// <param name="blockSize">Weights in a block.</param>
    public static bool Exists(int bits, long blockSize) => LargestMultiplier(bits) > 0 && (blockSize == 32 || (blockSize == 16 && bits <= 3));

    /// <summary>Super-scales of a layout: one for every 256 weights of a line, the shorter last run included.</summary>
    /// <param name="layout">A layout of blocks of 16 or 32.</param>
    public static long SuperScalesPerLine(GroupLayout layout) => (layout.LineWidth + SuperBlockWeights - 1) / SuperBlockWeights;

    /// <summary>Blocks that share a super-scale.</summary>
    /// <param name="layout">A layout of blocks of 16 or 32.</param>
    public static long BlocksPerSuperScale(GroupLayout layout) => SuperBlockWeights / layout.BlockSize;

    /// <summary>Splits scales into super-scales and integers: d = max(s)/kmax rounded to float16, k = s/d rounded, at least 1.</summary>
    /// <param name="scales">Scales, [lines, blocksPerLine] line by line.</param>
    /// <param name="layout">A layout of blocks of 16 or 32.</param>
    /// <param name="bits">Bits a code.</param>
    /// <returns>Super-scales, [lines, superScalesPerLine]; integers, [lines, blocksPerLine].</returns>
    /// <remarks>Scales that are exact in two levels come back as they were.</remarks>
    public static (Half[] SuperScales, byte[] Multipliers) Split(ReadOnlySpan<float> scales, GroupLayout layout, int bits)
    {
        int largest = LargestMultiplier(bits);
        int perSuperScale = (int)BlocksPerSuperScale(layout);
        int perLine = (int)layout.BlocksPerLine;
        Half[] superScales = new Half[layout.LineCount * SuperScalesPerLine(layout)];
        byte[] multipliers = new byte[scales.Length];
        int next = 0;
        for (int line = 0; line < scales.Length; line += perLine)
        {
            for (int block = 0; block < perLine; block += perSuperScale)
            {
                int first = line + block;
                ReadOnlySpan<float> together = scales.Slice(first, Math.Min(perSuperScale, perLine - block));
                float most = 0f;
                foreach (float scale in together)
                    most = MathF.Max(most, scale);
                float superScale = HalfScale.Round(most / largest);
                superScales[next++] = (Half)superScale;
                for (int i = 0; i < together.Length; i++)
                    multipliers[first + i] = (byte)Math.Clamp(MathF.Round(together[i] / superScale, MidpointRounding.ToEven), 1f, largest);
            }
        }

        return (superScales, multipliers);
    }

    /// <summary>Rounds scales to two levels, as <see cref="Split"/> does.</summary>
    /// <param name="scales">Scales, shape [lines, blocksPerLine], float32.</param>
    /// <param name="layout">A layout of blocks of 16 or 32.</param>
    /// <param name="bits">Bits a code.</param>
    /// <returns>d·k, same shape, on the device of the scales.</returns>
    public static Tensor Round(Tensor scales, GroupLayout layout, int bits)
    {
        if (scales.numel() == 0)
            return scales.detach().clone();
        using Tensor readable = scales.detach().cpu().contiguous();
        float[] values = readable.data<float>().ToArray();
        (Half[] superScales, byte[] multipliers) = Split(values, layout, bits);
        long superScalesPerLine = SuperScalesPerLine(layout);
        for (int group = 0; group < values.Length; group++)
        {
            (long line, long block) = Math.DivRem(group, layout.BlocksPerLine);
            values[group] = (float)superScales[(line * superScalesPerLine) + (block / BlocksPerSuperScale(layout))] * multipliers[group];
        }

        return tensor(values, scales.shape, device: scales.device);
    }
}
