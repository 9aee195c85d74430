using Pique.Numerics;

namespace Pique.Tests.Numerics;

public class HadamardFactorsTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(4096, 4096)]
    [InlineData(40, 2, 20)]
    [InlineData(288, 8, 36)]
    [InlineData(576, 16, 36)]
    [InlineData(896, 32, 28)]
    [InlineData(1296, 1, 36, 36)]
    [InlineData(1728, 1, 12, 12, 12)]
    [InlineData(2304, 16, 12, 12)]
    [InlineData(4864, 64, 76)]
    [InlineData(11008, 64, 172)]
    [InlineData(81920, 4096, 20)]
    public void The_product_is_the_cheapest(int order, int powerOfTwo, params int[] cores)
    {
        HadamardFactors factors = HadamardFactors.Of(order);

        Assert.Equal(powerOfTwo, factors.PowerOfTwo);
        Assert.Equal(cores, factors.Cores);
    }

    [Fact]
    public void Every_multiple_of_four_to_184_can_be_built()
    {
        for (int order = 4; order <= 184; order += 4)
            Assert.True(HadamardMatrix.CanCreate(order), $"{order}");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-4)]
    public void An_order_below_one_is_refused(int order) => Assert.Throws<ArgumentOutOfRangeException>(() => HadamardFactors.Find(order));
}
