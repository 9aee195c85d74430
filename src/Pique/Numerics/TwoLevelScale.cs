namespace Pique.Numerics;

/// <summary>
/// Scales in two levels, as llama.cpp's K-quants hold them: a float16 super-scale d for <see cref="SuperBlockWeights"/> weights of a
/// line, and for each block of 16 or 32 a small integer k; the block's scale is d·k. Math of record §9.
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
}
