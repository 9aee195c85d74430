using Pique.Formats;

namespace Pique.Tests.Formats;

public sealed class FiniteCheckTests
{
    [Fact]
    public void The_first_value_that_is_not_finite_is_found_wherever_it_stands()
    {
        float[] values = [.. Enumerable.Repeat(float.MaxValue, 67)];
        Assert.Equal(-1, FiniteCheck.IndexOfNonFinite(values));
        for (int index = values.Length - 1; index >= 0; index--)
        {
            values[index] = index % 2 == 0 ? float.NaN : float.NegativeInfinity;
            Assert.Equal(index, FiniteCheck.IndexOfNonFinite(values));
        }
    }

    [Fact]
    public void Its_place_is_told_by_dimension() =>
        Assert.Equal("NaN at [1, 2, 3]", FiniteCheck.Describe(float.NaN, [2, 3, 4], 12 + 8 + 3));
}
