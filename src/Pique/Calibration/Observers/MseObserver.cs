using Pique.Numerics;

namespace Pique.Calibration;

/// <summary>The clipped range whose grid has the least squared error.</summary>
/// <remarks>
/// Every hundredth of the whole range is tried as a share to keep, on a <see cref="ValueHistogram"/>: a value counts as the middle of its
/// bin, so that an error is known within half a bin's width, a thousandth of the largest magnitude.
/// </remarks>
public sealed class MseObserver : IRangeObserver
{
    /// <summary>Shares of the range tried.</summary>
    private const int Candidates = 100;

    private readonly ValueHistogram _histogram = new();
    private readonly CodeGrid _grid;

    /// <summary>Creates the observer.</summary>
    /// <param name="grid">The grid that values are to be quantized to.</param>
    public MseObserver(CodeGrid grid) => _grid = grid;

    /// <inheritdoc/>
    public void Observe(ReadOnlySpan<float> values) => _histogram.Add(values);

    /// <inheritdoc/>
    public ObservedRange Range() => Search(_histogram, _grid);

    /// <summary>Searches a histogram.</summary>
    /// <param name="histogram">What was seen.</param>
    /// <param name="grid">The grid.</param>
    /// <returns>The range; on a symmetric grid it is as wide below zero as above.</returns>
    internal static ObservedRange Search(ValueHistogram histogram, CodeGrid grid)
    {
        float largest = MathF.Max(-histogram.Lowest, histogram.Highest);
        ObservedRange whole = grid.Symmetric ? new(-largest, largest) : new(histogram.Lowest, histogram.Highest);
        if (largest == 0)
            return default;
        ObservedRange best = whole;
        double least = double.PositiveInfinity;
        for (int share = Candidates; share > 0; share--)
        {
            float ratio = (float)share / Candidates;
            ObservedRange candidate = new(whole.Lowest * ratio, whole.Highest * ratio);
            double error = SquaredError(histogram, grid, candidate);
            if (error < least)
                (best, least) = (candidate, error);
        }

        return best;
    }

    private static double SquaredError(ValueHistogram histogram, CodeGrid grid, ObservedRange range)
    {
        // The larger side reaches the end of a symmetric grid's shorter half, so that both ends are covered.
        double scale = grid.Symmetric ? range.Highest / (double)grid.MaxLevel : ((double)range.Highest - range.Lowest) / grid.MaxCode;
        double lowest = grid.Symmetric ? grid.MinLevel - grid.Offset : Math.Round(range.Lowest / scale);
        double highest = lowest + grid.MaxCode;
        double sum = 0;
        ReadOnlySpan<long> counts = histogram.Counts;
        for (int bin = 0; bin < counts.Length; bin++)
        {
            if (counts[bin] == 0)
                continue;
            double value = histogram.Middle(bin);
            double level = Math.Clamp(Math.Round((value / scale) - grid.Offset), lowest, highest) + grid.Offset;
            double error = value - (level * scale);
            sum += counts[bin] * error * error;
        }

        return sum;
    }
}
