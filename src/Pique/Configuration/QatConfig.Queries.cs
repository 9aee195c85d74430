namespace Pique.Configuration;

public sealed partial record QatConfig
{
    /// <summary>Codes of the grid: 2^bits.</summary>
    public int LevelCount => 1 << Bits;

    /// <summary>Least and greatest code of the symmetric grid: −2^(bits−1) and 2^(bits−1)−1.</summary>
    public (int Minimum, int Maximum) SymmetricRange => (-(1 << (Bits - 1)), (1 << (Bits - 1)) - 1);

    /// <summary>Whether the step is α·π/k.</summary>
    public bool IsPiQuant => PiK is not null;

    /// <summary>Whether the estimator learns its scale, and so needs a gradient to it.</summary>
    public bool NeedsScaleGradient => SteVariant is SteVariant.LearnedStepSize;

    /// <summary>Bits plus the format's nominal allowance for scales; <see cref="StoredBitsPerWeight"/> is the true figure.</summary>
    public float NominalBitsPerWeight => Bits + Granularity switch
    {
        QuantGranularity.PerTensor => 0.0625f,
        QuantGranularity.PerChannel => 0.125f,
        QuantGranularity.PerToken => 0.25f,
        QuantGranularity.PerBlock block => 16.0f / block.BlockSize,
        _ => throw new InvalidOperationException($"unknown granularity {Granularity}"),
    };

    /// <summary>Step of the pi grid.</summary>
    /// <param name="alpha">α, greater than zero.</param>
    /// <returns>α·π/k in single precision, or null for the uniform grid.</returns>
    public float? PiStep(float alpha) => PiK is int k ? alpha * MathF.PI / k : null;

    /// <summary>Quantization parameters of a tensor as the format counts them: a scale and a zero point per group.</summary>
    /// <param name="elements">Weights of the tensor.</param>
    /// <param name="channels">Output rows, at least 1.</param>
    /// <returns>The count.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A negative element count, fewer than one channel or a block size below 1.</exception>
    public long ParameterCount(long elements, long channels)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elements);
        ArgumentOutOfRangeException.ThrowIfLessThan(channels, 1);
        return Granularity switch
        {
            QuantGranularity.PerTensor => 2,
            QuantGranularity.PerChannel => 2 * channels,
            QuantGranularity.PerToken => 2 * (elements / channels),
            QuantGranularity.PerBlock block => 2 * CeilingDivide(elements, block.BlockSize),
            _ => throw new InvalidOperationException($"unknown granularity {Granularity}"),
        };
    }

    /// <summary>Bits per weight that a tensor takes when packed: its codes, rows filled up to whole bytes, a 16-bit scale per group and, where the grid is asymmetric, a zero point of one byte per group.</summary>
    /// <param name="shape">Shape, [outFeatures, inFeatures]; every size at least 1.</param>
    /// <returns>Stored bits over weights.</returns>
    /// <exception cref="ArgumentOutOfRangeException">A shape without dimensions, a size below 1 or a block size below 1.</exception>
    /// <exception cref="OverflowException">The shape holds more weights than a 64-bit count.</exception>
    public double StoredBitsPerWeight(params ReadOnlySpan<long> shape)
    {
        ArgumentOutOfRangeException.ThrowIfZero(shape.Length, nameof(shape));
        long elements = 1;
        foreach (long size in shape)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(size, 1, nameof(shape));
            elements = checked(elements * size);
        }

        long inFeatures = shape[^1];
        long rows = elements / inFeatures;
        long groups = Granularity switch
        {
            QuantGranularity.PerTensor => 1,
            QuantGranularity.PerChannel or QuantGranularity.PerToken => rows,
            QuantGranularity.PerBlock block => rows * CeilingDivide(inFeatures, block.BlockSize),
            _ => throw new InvalidOperationException($"unknown granularity {Granularity}"),
        };
        int groupBits = ScaleBits + (Symmetric ? 0 : ZeroPointBits);
        double codeBits = 8.0 * rows * CeilingDivide(checked(inFeatures * Bits), 8);
        return (codeBits + ((double)groups * groupBits)) / elements;
    }

    private const int ScaleBits = 16;
    private const int ZeroPointBits = 8;

    private static long CeilingDivide(long dividend, long divisor)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(divisor, 1);
        return (dividend / divisor) + (dividend % divisor == 0 ? 0 : 1);
    }
}
