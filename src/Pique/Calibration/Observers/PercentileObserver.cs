namespace Pique.Calibration;

/// <summary>The range that holds a share of the values, with as many left out below as above.</summary>
/// <remarks>
/// A counter for each of the 2^16 leading halves of a float32: sign, exponent and seven bits of the mantissa. That takes 512 KiB however
/// many values stream by. Values of one counter differ by less than 2^−7 of themselves and the middle of them is reported, so each end of
/// the range is within <see cref="RelativeError"/> of the value of that rank (below the smallest normal number, within 2^−134); ranks,
/// the lowest and the highest value are exact. A sketch with relative error as Masson, Rim and Lee 2019, arXiv:1908.10693, with the buckets that a float has already.
/// </remarks>
public sealed class PercentileObserver : IRangeObserver
{
    /// <summary>Largest relative error of an end of the range, 2^−8.</summary>
    public const double RelativeError = 1.0 / 256;

    private const int DroppedBits = 16;
    private const int SignCounter = 1 << 15;

    private readonly long[] _counts = new long[1 << DroppedBits];
    private readonly double _share;
    private readonly MinMaxObserver _ends = new();
    private long _total;

    /// <summary>Creates the observer.</summary>
    /// <param name="share">Share of the values within the range, in (0, 1].</param>
    /// <exception cref="ArgumentOutOfRangeException">The share is outside (0, 1].</exception>
    public PercentileObserver(double share)
    {
        if (!(share is > 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(share), share, "Expected above 0 to 1.");
        _share = share;
    }

    /// <inheritdoc/>
    public void Observe(ReadOnlySpan<float> values)
    {
        _ends.Observe(values);
        foreach (float value in values)
        {
            if (float.IsFinite(value))
            {
                _counts[BitConverter.SingleToUInt32Bits(value) >> DroppedBits]++;
                _total++;
            }
        }
    }

    /// <inheritdoc/>
    public ObservedRange Range()
    {
        if (_total == 0)
            return default;
        long outside = (long)Math.Floor((1 - _share) / 2 * _total);
        return new(ValueOfRank(outside), ValueOfRank(_total - 1 - outside));
    }

    /// <summary>The value that so many share of all values do not exceed.</summary>
    /// <param name="share">Share of the values, in [0, 1].</param>
    /// <returns>The value of that rank (nearest rank), within <see cref="RelativeError"/>; 0 where nothing was seen.</returns>
    public float Quantile(double share) => _total == 0 ? 0 : ValueOfRank(Math.Clamp((long)Math.Ceiling(share * _total) - 1, 0, _total - 1));

    /// <summary>The value that so many values lie below.</summary>
    private float ValueOfRank(long rank)
    {
        (float lowest, float highest) = (_ends.Range().Lowest, _ends.Range().Highest);
        return rank == 0 ? lowest : rank == _total - 1 ? highest : Math.Clamp(MiddleOfRank(rank), lowest, highest);
    }

    private float MiddleOfRank(long rank)
    {
        // Negative values from the largest magnitude down, then the others from zero up.
        long seen = 0;
        for (int counter = _counts.Length - 1; counter >= SignCounter; counter--)
        {
            seen += _counts[counter];
            if (seen > rank)
                return Middle(counter);
        }

        for (int counter = 0; counter < SignCounter; counter++)
        {
            seen += _counts[counter];
            if (seen > rank)
                return Middle(counter);
        }

        throw new InvalidOperationException($"Rank {rank} of {_total} values.");
    }

    private static float Middle(int counter)
    {
        // Zeros, by far the most common exact value, are reported as such.
        bool isZero = (counter & (SignCounter - 1)) == 0;
        return isZero ? 0f : BitConverter.UInt32BitsToSingle(((uint)counter << DroppedBits) | (1u << (DroppedBits - 1)));
    }
}
