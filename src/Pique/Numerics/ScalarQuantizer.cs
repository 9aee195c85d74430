namespace Pique.Numerics;

/// <summary>Quantization of one weight: the scalar reference of every faster path. Math of record §1.</summary>
public static class ScalarQuantizer
{
    /// <summary>code = clamp(roundHalfEven(weight / scale) + zeroPoint, 0, 2^bits − 1), by true division.</summary>
    /// <param name="weight">A finite weight.</param>
    /// <param name="scale">A float16-exact scale greater than zero.</param>
    /// <param name="zeroPoint">Integer zero point, 0 … 2^bits − 1.</param>
    /// <param name="bits">Bits a code, 2 to 8.</param>
    /// <returns>The stored code.</returns>
    public static byte Code(float weight, float scale, int zeroPoint, int bits)
    {
        float level = MathF.Round(weight / scale, MidpointRounding.ToEven);
        return (byte)(Math.Clamp(level, -zeroPoint, (1 << bits) - 1 - zeroPoint) + zeroPoint);
    }

    /// <summary>weight = (code − zeroPoint)·scale.</summary>
    /// <param name="code">A stored code.</param>
    /// <param name="scale">Its scale.</param>
    /// <param name="zeroPoint">Its zero point.</param>
    /// <returns>The dequantized weight.</returns>
    public static float Dequantize(byte code, float scale, int zeroPoint) => (code - zeroPoint) * scale;
}
