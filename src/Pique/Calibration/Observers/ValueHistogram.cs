namespace Pique.Calibration;

/// <summary>Counts of values in equal bins, whose range doubles as larger values come. Bounded memory; the order of the values does not show.</summary>
/// <remarks>
/// <see cref="BinCount"/> bins cover [−R, R) with R a power of two above every magnitude seen, so that a bin is at most
/// 4/<see cref="BinCount"/> of the largest magnitude wide. R doubles by adding up pairs of bins, which loses nothing that a histogram of
/// the wider range would have had. Zeros are counted apart: every grid holds them exactly.
/// </remarks>
public sealed class ValueHistogram
{
    /// <summary>Bins on both sides of zero together.</summary>
    public const int BinCount = 4096;

    private const int SmallestExponent = -62;
    private const int LargestExponent = 127;

    private readonly long[] _counts = new long[BinCount];
    private float _radius;
    private float _inverseWidth;

    /// <summary>R, a power of two above every magnitude seen; 0 before the first value other than zero.</summary>
    public float Radius => _radius;

    /// <summary>Width of a bin.</summary>
    public float BinWidth => _radius / (BinCount / 2);

    /// <summary>Zeros.</summary>
    public long ZeroCount { get; private set; }

    /// <summary>Counts of the values other than zero, from −R up.</summary>
    public ReadOnlySpan<long> Counts => _counts;

    /// <summary>Lowest value, exact; 0 where none is below zero.</summary>
    public float Lowest { get; private set; }

    /// <summary>Highest value, exact; 0 where none is above zero.</summary>
    public float Highest { get; private set; }

    /// <summary>Adds values; those that are not finite are passed over.</summary>
    /// <param name="values">Any number of values.</param>
    public void Add(ReadOnlySpan<float> values)
    {
        (float lowest, float highest) = (Lowest, Highest);
        foreach (float value in values)
        {
            if (float.IsFinite(value))
                (lowest, highest) = (MathF.Min(lowest, value), MathF.Max(highest, value));
        }

        (Lowest, Highest) = (lowest, highest);
        Cover(MathF.Max(-lowest, highest));
        foreach (float value in values)
        {
            if (value == 0)
                ZeroCount++;
            else if (float.IsFinite(value))
                _counts[Math.Clamp((int)MathF.Floor(value * _inverseWidth) + (BinCount / 2), 0, BinCount - 1)]++;
        }
    }

    /// <summary>The middle of a bin.</summary>
    /// <param name="bin">Index into <see cref="Counts"/>.</param>
    public double Middle(int bin) => (bin - (BinCount / 2) + 0.5) * BinWidth;

    /// <summary>Counts of magnitudes other than zero in bins of <see cref="BinWidth"/>, from 0 up to the largest one seen.</summary>
    public long[] Magnitudes()
    {
        long[] magnitudes = new long[BinCount / 2];
        for (int bin = 0; bin < magnitudes.Length; bin++)
            magnitudes[bin] = _counts[(BinCount / 2) + bin] + _counts[(BinCount / 2) - 1 - bin];
        int used = Array.FindLastIndex(magnitudes, count => count > 0) + 1;
        return magnitudes[..used];
    }

    private void Cover(float magnitude)
    {
        if (magnitude == 0 || magnitude < _radius)
            return;
        // The last bin also takes what lies beyond the largest power of two.
        float wanted = MathF.ScaleB(1, Math.Clamp(Math.ILogB(magnitude) + 1, SmallestExponent, LargestExponent));
        if (_radius == 0)
            _radius = wanted;
        for (; _radius < wanted; _radius *= 2)
            Fold();
        _inverseWidth = 1 / BinWidth;
    }

    private void Fold()
    {
        // Bin i of the range [−R, R) lies in bin (i + BinCount/2)/2 of [−2R, 2R).
        long[] folded = new long[BinCount];
        for (int bin = 0; bin < BinCount; bin++)
            folded[(bin + (BinCount / 2)) / 2] += _counts[bin];
        folded.CopyTo(_counts, 0);
    }
}
