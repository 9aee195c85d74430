using Pique.Configuration;
using Pique.Numerics;

namespace Pique.Tests.Numerics;

public sealed class GroupLayoutTests
{
    [Fact]
    public void A_shorter_tail_is_a_block_of_its_own()
    {
        GroupLayout layout = GroupLayout.For(new QuantGranularity.PerBlock(3), 2, 7);
        Assert.Equal([2, 3], layout.ScaleShape);
        Assert.Equal([0, 0, 0, 1, 1, 1, 2, 3, 3, 3, 4, 4, 4, 5], Enumerable.Range(0, 14).Select(i => (int)layout.GroupOf(i)));
    }

    [Fact]
    public void Per_tensor_is_one_group_and_per_channel_a_group_a_row()
    {
        Assert.Equal([1, 1], GroupLayout.For(new QuantGranularity.PerTensor(), 4, 6).ScaleShape);
        Assert.Equal([4, 1], GroupLayout.For(new QuantGranularity.PerChannel(), 4, 6).ScaleShape);
        Assert.Equal([4, 1], GroupLayout.For(new QuantGranularity.PerToken(), 4, 6).ScaleShape);
        Assert.Equal([4, 1], GroupLayout.For(new QuantGranularity.PerBlock(100), 4, 6).ScaleShape);
    }

    [Fact]
    public void A_block_size_below_one_is_refused() => Assert.Equal(
        "granularity.PerBlock.block_size: found 0, expected 1 or more.",
        Assert.Throws<InputException>(() => GroupLayout.For(new QuantGranularity.PerBlock(0), 4, 6)).Message);
}
