namespace Pique.Configuration;

/// <summary>A departure from the recipe's quantization for the layers whose name fits a pattern. Of several that fit a layer the last one applies, alone.</summary>
public sealed record LayerOverride
{
    /// <summary>Bits of embedding and output head where the recipe does not say otherwise.</summary>
    public const int DefaultBits = 8;

    /// <summary>Block size of embedding and output head where the recipe does not say otherwise.</summary>
    public const int DefaultBlockSize = 32;

    /// <summary>The overrides of a recipe that states none: embedding and output head at 8 bits per block of 32.</summary>
    public static IReadOnlyList<LayerOverride> Defaults { get; } =
    [
        new() { Pattern = "*embed_tokens", Bits = DefaultBits, Granularity = new QuantGranularity.PerBlock(DefaultBlockSize) },
        new() { Pattern = "lm_head", Bits = DefaultBits, Granularity = new QuantGranularity.PerBlock(DefaultBlockSize) },
    ];

    /// <summary>Layer names it applies to; * stands for any run of characters, all else for itself.</summary>
    public string Pattern { get; init; } = "";

    /// <summary>Bits, or null for those of the configuration. Stating them leaves the recipe's grid, which belongs to the bits of the configuration, for <see cref="WeightGrid.Auto"/>.</summary>
    public int? Bits { get; init; }

    /// <summary>Average bits that calibration divides over the layers by their sensitivity, or null; written "bits": "auto:2.5". Leaves the recipe's grid as stated bits do.</summary>
    public float? AverageBits { get; init; }

    /// <summary>Granularity, or null for that of the configuration.</summary>
    public QuantGranularity? Granularity { get; init; }

    /// <summary>Keep the layer in full precision.</summary>
    public bool FullPrecision { get; init; }

    /// <summary>Whether the pattern fits the whole of a layer's name, case and all.</summary>
    /// <param name="layerName">Name of the layer, as model.layers.0.mlp.up_proj.</param>
    /// <returns>True where it fits.</returns>
    public bool Matches(string layerName)
    {
        ArgumentNullException.ThrowIfNull(layerName);
        int patternAt = 0;
        int nameAt = 0;
        int starAt = -1;
        int retryAt = 0;
        while (nameAt < layerName.Length)
        {
            if (patternAt < Pattern.Length && Pattern[patternAt] == '*')
            {
                starAt = patternAt++;
                retryAt = nameAt;
            }
            else if (patternAt < Pattern.Length && Pattern[patternAt] == layerName[nameAt])
            {
                patternAt++;
                nameAt++;
            }
            else if (starAt >= 0)
            {
                // Only the last star can still take more characters: the earlier ones took the fewest that let the rest fit.
                patternAt = starAt + 1;
                nameAt = ++retryAt;
            }
            else
            {
                return false;
            }
        }

        return Pattern.AsSpan(patternAt).TrimStart('*').IsEmpty;
    }
}
