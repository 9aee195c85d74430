namespace Pique.Models.Families;

/// <summary>How rotary positions are stretched for contexts longer than those of pretraining. A closed choice.</summary>
public abstract record RopeScaling
{
    private RopeScaling()
    {
    }

    /// <summary>What each frequency of a head is divided by.</summary>
    /// <param name="headSize">Width of a head.</param>
    /// <param name="theta">Base of the rotary embedding.</param>
    /// <returns>headSize/2 divisors, for frequencies theta^(−2i/headSize).</returns>
    public abstract double[] FrequencyDivisors(int headSize, float theta);

    /// <summary>What is wrong with the numbers; empty where nothing is.</summary>
    public abstract IEnumerable<string> Faults();

    /// <summary>Every position divided by a factor.</summary>
    /// <param name="Factor">The factor, above 0.</param>
    /// <remarks>Chen et al. 2023, arXiv:2306.15595, section 2.3.</remarks>
    public sealed record Linear(float Factor) : RopeScaling
    {
        /// <inheritdoc/>
        public override double[] FrequencyDivisors(int headSize, float theta)
        {
            double[] divisors = new double[headSize / 2];
            Array.Fill(divisors, Factor);
            return divisors;
        }

        /// <inheritdoc/>
        public override IEnumerable<string> Faults() => IsPositive(Factor) ? [] : [NotPositive("factor", Factor)];
    }

    /// <summary>Llama 3.1's: long wavelengths divided by a factor, short ones kept, those between blended.</summary>
    /// <param name="Factor">Divisor of the long wavelengths, above 0.</param>
    /// <param name="LowFrequencyFactor">Wavelengths above originalContextTokens divided by this are long.</param>
    /// <param name="HighFrequencyFactor">Wavelengths below originalContextTokens divided by this are short; above <paramref name="LowFrequencyFactor"/>.</param>
    /// <param name="OriginalContextTokens">Context of pretraining.</param>
    /// <remarks>Llama 3, arXiv:2407.21783, and the reference code published with Llama 3.1.</remarks>
    public sealed record Llama3(float Factor, float LowFrequencyFactor, float HighFrequencyFactor, int OriginalContextTokens) : RopeScaling
    {
        /// <inheritdoc/>
        public override double[] FrequencyDivisors(int headSize, float theta)
        {
            double[] divisors = new double[headSize / 2];
            for (int channel = 0; channel < divisors.Length; channel++)
            {
                double wavelength = 2 * Math.PI * Math.Pow(theta, 2.0 * channel / headSize);
                double turns = OriginalContextTokens / wavelength;
                double kept = Math.Clamp((turns - LowFrequencyFactor) / (HighFrequencyFactor - LowFrequencyFactor), 0, 1);
                divisors[channel] = 1 / (((1 - kept) / Factor) + kept);
            }

            return divisors;
        }

        /// <inheritdoc/>
        public override IEnumerable<string> Faults()
        {
            if (!IsPositive(Factor))
                yield return NotPositive("factor", Factor);
            if (!IsPositive(LowFrequencyFactor))
                yield return NotPositive("low_freq_factor", LowFrequencyFactor);
            if (!(HighFrequencyFactor > LowFrequencyFactor) || !float.IsFinite(HighFrequencyFactor))
                yield return FormattableString.Invariant($"high_freq_factor is {HighFrequencyFactor}, expected a finite number above low_freq_factor {LowFrequencyFactor}");
            if (OriginalContextTokens < 1)
                yield return $"original_max_position_embeddings is {OriginalContextTokens}, expected at least 1";
        }
    }

    private static bool IsPositive(float number) => number > 0 && float.IsFinite(number);

    private static string NotPositive(string name, float number) => FormattableString.Invariant($"{name} is {number}, expected a finite number above 0");
}
