using static TorchSharp.torch;

namespace Pique.Numerics;

/// <summary>The scales that ship: float16 values, greater than zero and finite. See docs/math.md §1.</summary>
public static class HalfScale
{
    /// <summary>Smallest scale, 2^−24: float16's smallest positive value.</summary>
    public const float Floor = 1f / (1 << 24);

    /// <summary>Largest scale, 65504: float16's largest finite value.</summary>
    public const float Ceiling = 65504f;

    /// <summary>Rounds a scale to the nearest float16 (ties to even) within [<see cref="Floor"/>, <see cref="Ceiling"/>].</summary>
    /// <param name="scale">Any scale but NaN.</param>
    /// <returns>The float16 value as float32.</returns>
    public static float Round(float scale)
    {
        const float SmallestNormal = 1f / (1 << 14);
        const uint DroppedBits = 0x1FFF;
        float bounded = Math.Clamp(scale, Floor, Ceiling);
        if (bounded < SmallestNormal)
            return bounded + 0.5f - 0.5f; // float32's spacing from ½ on is 2^−24, float16's below its smallest normal number
        uint bits = BitConverter.SingleToUInt32Bits(bounded);
        return BitConverter.UInt32BitsToSingle((bits + (DroppedBits >> 1) + ((bits >> 13) & 1)) & ~DroppedBits);
    }

    /// <summary>Rounds scales as <see cref="Round(float)"/> does.</summary>
    /// <param name="scales">Scales, any shape, float32.</param>
    /// <returns>Float16 values as float32, same shape.</returns>
    public static Tensor Round(Tensor scales)
    {
        using Tensor bounded = scales.detach().clamp(HeldScalar.Of(Floor), HeldScalar.Of(Ceiling));
        using Tensor half = bounded.to(ScalarType.Float16);
        return half.to(ScalarType.Float32);
    }
}
