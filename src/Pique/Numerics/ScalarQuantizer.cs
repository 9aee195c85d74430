namespace Pique.Numerics;

/// <summary>Quantization of one weight: the scalar reference of every faster path. See docs/math.md §1.</summary>
public static class ScalarQuantizer
{
    /// <summary>code = clamp(roundHalfEven(weight / scale − offset) + zeroPoint, 0, 2^bits − 1), by true division.</summary>
    /// <param name="weight">A finite weight.</param>
    /// <param name="scale">A scale greater than zero.</param>
    /// <param name="zeroPoint">Integer zero point, 0 … 2^bits − 1.</param>
    /// <param name="grid">The codes.</param>
    /// <returns>The stored code.</returns>
    public static byte Code(float weight, float scale, int zeroPoint, CodeGrid grid)
    {
        float level = MathF.Round((weight / scale) - grid.Offset, MidpointRounding.ToEven);
        return (byte)(Math.Clamp(level, -zeroPoint, grid.MaxCode - zeroPoint) + zeroPoint);
    }

    /// <summary>weight = (code − zeroPoint + offset)·scale.</summary>
    /// <param name="code">A stored code.</param>
    /// <param name="scale">Its scale.</param>
    /// <param name="zeroPoint">Its zero point.</param>
    /// <param name="offset">Offset of the grid, <see cref="CodeGrid.Offset"/>.</param>
    /// <returns>The dequantized weight.</returns>
    public static float Dequantize(byte code, float scale, int zeroPoint, float offset = 0f) => (code - zeroPoint + offset) * scale;
}
