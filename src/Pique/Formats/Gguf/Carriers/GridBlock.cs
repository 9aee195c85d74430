namespace Pique.Formats.Gguf.Carriers;

/// <summary>Consecutive weights by their codes: weight = (code − zero)·scale, exact in float32.</summary>
/// <param name="codes">Stored codes.</param>
/// <param name="scales">Scale of every weight.</param>
/// <param name="superScales">Float16 scale that a weight's scale is an integer multiple of; the scale itself where scales have one level.</param>
/// <param name="zeros">Code of the weight zero: an integer, or a half-integer on the half-integer grid.</param>
internal readonly ref struct GridBlock(ReadOnlySpan<byte> codes, ReadOnlySpan<float> scales, ReadOnlySpan<float> superScales, ReadOnlySpan<float> zeros)
{
    /// <summary>Number of steps to try.</summary>
    public const int CandidateCount = 8;

    /// <summary>Stored codes.</summary>
    public ReadOnlySpan<byte> Codes { get; } = codes;

    /// <summary>Scale of every weight.</summary>
    public ReadOnlySpan<float> Scales { get; } = scales;

    /// <summary>Code of the weight zero.</summary>
    public ReadOnlySpan<float> Zeros { get; } = zeros;

    /// <summary>Float16 scale of the first weight's super-block.</summary>
    public float SuperScale { get; } = superScales[0];

    /// <summary>A weight.</summary>
    /// <param name="index">Its index in the block.</param>
    public float Weight(int index) => (Codes[index] - Zeros[index]) * Scales[index];

    /// <summary>Whether all weights from one index on, so many, share scale and zero.</summary>
    public bool IsOneGroup(int first, int count) =>
        !Scales.Slice(first, count).ContainsAnyExcept(Scales[first]) && !Zeros.Slice(first, count).ContainsAnyExcept(Zeros[first]);

    /// <summary>A step of which all weights may be integer multiples: the first weight's scale, its super-scale, half of either, each upwards and downwards.</summary>
    /// <remarks>Halves serve the half-integer grid. A step below zero turns the levels round, for types that reach further above zero than below.</remarks>
    /// <param name="candidate">Which of them, from 0 to <see cref="CandidateCount"/> − 1.</param>
    /// <param name="step">The step, a float16 value.</param>
    /// <returns>Whether it is a float16 value.</returns>
    public bool TryStep(int candidate, out float step)
    {
        float magnitude = candidate / 2 % 2 == 0 ? Scales[0] : SuperScale;
        if (candidate >= CandidateCount / 2)
            magnitude /= 2;
        step = candidate % 2 == 0 ? magnitude : -magnitude;
        return IsHalf(step);
    }

    /// <summary>Whether a number is a finite float16 value other than zero.</summary>
    public static bool IsHalf(float value) => value != 0 && float.IsFinite(value) && (float)(Half)value == value;

    /// <summary>The integer n with n·step = value, within bounds.</summary>
    /// <returns>Whether there is one.</returns>
    public static bool TryMultiple(float value, float step, int least, int most, out int multiple)
    {
        float quotient = value / step;
        multiple = quotient >= least && quotient <= most ? (int)quotient : 0;
        return multiple == quotient && multiple * step == value;
    }
}
