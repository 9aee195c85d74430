using Pique.Calibration;

namespace Pique.Tests.Calibration.Observers;

public sealed class ValueHistogramTests
{
    [Fact]
    public void Doubling_loses_nothing_that_a_wider_histogram_would_have_had()
    {
        Random random = new(1);
        float[] values = [.. Enumerable.Range(0, 4000).Select(index => (float)((random.NextDouble() - 0.5) * Math.Pow(2, index / 200.0)))];
        ValueHistogram rising = new(), falling = new();
        foreach (float value in values)
            rising.Add([value]);
        falling.Add([.. values.Reverse()]);

        Assert.Equal(falling.Radius, rising.Radius);
        Assert.Equal(falling.Counts.ToArray(), rising.Counts.ToArray());
        Assert.Equal(values.Length, rising.Counts.ToArray().Sum());
    }

    [Fact]
    public void A_value_lies_in_the_bin_whose_middle_is_nearest()
    {
        float[] values = [0.3f, -0.7f, 1.9f, -1.999f, 1e-5f];
        foreach (float value in values)
        {
            ValueHistogram histogram = new();
            histogram.Add([value, 2f]);
            int[] occupied = [.. Enumerable.Range(0, ValueHistogram.BinCount).Where(bin => histogram.Counts[bin] > 0)];
            Assert.Contains(occupied, bin => Math.Abs(histogram.Middle(bin) - value) <= histogram.BinWidth / 2);
            Assert.Equal(4f, histogram.Radius);
            Assert.InRange(histogram.BinWidth, 0, 4.0 / ValueHistogram.BinCount * 2);
        }
    }

    [Fact]
    public void Magnitudes_fold_the_two_sides_and_end_at_the_largest()
    {
        ValueHistogram histogram = new();
        histogram.Add([0f, 0f, 0.5f, -0.5f, 1.5f]);
        long[] magnitudes = histogram.Magnitudes();
        Assert.Equal(2, histogram.ZeroCount);
        Assert.Equal(3, magnitudes.Sum());
        Assert.Equal(1, magnitudes[^1]);
        Assert.InRange(magnitudes.Length, 1025, 2048);
    }
}
