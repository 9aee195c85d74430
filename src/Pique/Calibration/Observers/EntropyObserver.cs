namespace Pique.Calibration;

/// <summary>The clipped range whose quantized distribution of magnitudes diverges least from the original.</summary>
/// <remarks>
/// The search of TensorRT (Migacz, "8-bit inference with TensorRT", GTC 2017) with 2^(bits−1) levels in place of 128. For every number of
/// leading bins: P is their counts, with all that lies beyond added to the last; Q is the counts without that, pooled into the levels
/// and spread evenly again over the bins that were not empty; the number with the least Kullback–Leibler divergence of Q from P wins.
/// The magnitudes lie in 1025 to 2048 bins, see <see cref="ValueHistogram"/>; the range is known within one.
/// </remarks>
public sealed class EntropyObserver : IRangeObserver
{
    /// <summary>Stands for an empty bin of Q where P is not empty.</summary>
    private const double Smoothing = 1e-10;

    private readonly ValueHistogram _histogram = new();
    private readonly int _bits;

    /// <summary>Creates the observer.</summary>
    /// <param name="bits">Bits a code, 2 to 8.</param>
    public EntropyObserver(int bits) => _bits = bits;

    /// <inheritdoc/>
    public void Observe(ReadOnlySpan<float> values) => _histogram.Add(values);

    /// <inheritdoc/>
    public ObservedRange Range() => Search(_histogram, _bits);

    /// <summary>Searches a histogram.</summary>
    /// <param name="histogram">What was seen.</param>
    /// <param name="bits">Bits a code.</param>
    /// <returns>The range: as wide below zero as above, but no wider than what was seen.</returns>
    internal static ObservedRange Search(ValueHistogram histogram, int bits)
    {
        long[] counts = histogram.Magnitudes();
        int levels = 1 << (bits - 1);
        float largest = MathF.Max(-histogram.Lowest, histogram.Highest);
        int kept = counts.Length;
        double least = double.PositiveInfinity;
        for (int bins = Math.Min(levels, counts.Length); bins <= counts.Length; bins++)
        {
            double divergence = Divergence(counts, bins, levels);
            if (divergence < least)
                (kept, least) = (bins, divergence);
        }

        float end = kept == counts.Length ? largest : MathF.Min(largest, kept * histogram.BinWidth);
        return new(MathF.Max(histogram.Lowest, -end), MathF.Min(histogram.Highest, end));
    }

    /// <summary>KL(P‖Q) in nats, where the leading bins are kept.</summary>
    private static double Divergence(long[] counts, int bins, int levels)
    {
        ReadOnlySpan<long> kept = counts.AsSpan(0, bins);
        long beyond = 0;
        foreach (long count in counts.AsSpan(bins))
            beyond += count;
        long inside = 0;
        foreach (long count in kept)
            inside += count;
        if (inside == 0)
            return double.PositiveInfinity;

        double divergence = 0;
        for (int level = 0; level < levels; level++)
        {
            (int first, int end) = (bins * level / levels, bins * (level + 1) / levels);
            long pooled = 0;
            int occupied = 0;
            for (int bin = first; bin < end; bin++)
            {
                pooled += kept[bin];
                occupied += kept[bin] > 0 ? 1 : 0;
            }

            for (int bin = first; bin < end; bin++)
            {
                long count = kept[bin] + (bin == bins - 1 ? beyond : 0);
                if (count == 0)
                    continue;
                double original = (double)count / (inside + beyond);
                double quantized = kept[bin] == 0 ? Smoothing : (double)pooled / occupied / inside;
                divergence += original * Math.Log(original / quantized);
            }
        }

        return divergence;
    }
}
