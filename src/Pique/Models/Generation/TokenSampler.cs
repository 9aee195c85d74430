namespace Pique.Models.Generation;

/// <summary>Chooses a token from logits, in double precision and always the same for the same random stream.</summary>
internal static class TokenSampler
{
    /// <summary>A random stream of a row of a batch.</summary>
    /// <param name="seed">Seed of the generation.</param>
    /// <param name="row">Index of the prompt.</param>
    public static Random CreateStream(long seed, int row)
    {
        // The finalizer of SplitMix64 (Steele et al. 2014) tells neighbouring seeds and rows apart.
        ulong mixed = unchecked((ulong)seed + ((ulong)row + 1) * 0x9E3779B97F4A7C15UL);
        mixed = unchecked((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9UL);
        mixed = unchecked((mixed ^ (mixed >> 27)) * 0x94D049BB133111EBUL);
        return new Random(unchecked((int)(mixed ^ (mixed >> 31))));
    }

    /// <summary>Chooses a token.</summary>
    /// <param name="logits">One logit a token.</param>
    /// <param name="options">Temperature and top-p.</param>
    /// <param name="stream">Random stream of the row; one draw is taken where the temperature is above 0.</param>
    /// <returns>The token's id; of equal logits the lower id counts as likelier.</returns>
    /// <exception cref="RunFailedException">A logit is not a number.</exception>
    public static int Sample(ReadOnlySpan<float> logits, GenerationOptions options, Random stream)
    {
        int likeliest = 0;
        for (int token = 0; token < logits.Length; token++)
        {
            if (float.IsNaN(logits[token]))
                throw new RunFailedException($"Generation: the logit of token {token} is not a number; the model's weights or its input are broken. Check the model with inspect.");
            if (logits[token] > logits[likeliest])
                likeliest = token;
        }

        return options.Temperature == 0 ? likeliest : Draw(logits, logits[likeliest], options, stream);
    }

    private static int Draw(ReadOnlySpan<float> logits, double highest, GenerationOptions options, Random stream)
    {
        double[] weights = new double[logits.Length];
        int[] tokens = new int[logits.Length];
        double total = 0;
        for (int token = 0; token < weights.Length; token++)
        {
            weights[token] = Math.Exp((logits[token] - highest) / options.Temperature);
            total += weights[token];
            tokens[token] = token;
        }

        Array.Sort(tokens, (left, right) => weights[left] != weights[right] ? weights[right].CompareTo(weights[left]) : left.CompareTo(right));
        int nucleus = 0;
        double nucleusWeight = 0;
        while (nucleus < tokens.Length && (nucleus == 0 || nucleusWeight < options.TopP * total))
            nucleusWeight += weights[tokens[nucleus++]];

        double target = stream.NextDouble() * nucleusWeight;
        for (int rank = 0; rank < nucleus - 1; rank++)
        {
            target -= weights[tokens[rank]];
            if (target < 0)
                return tokens[rank];
        }

        return tokens[nucleus - 1];
    }
}
