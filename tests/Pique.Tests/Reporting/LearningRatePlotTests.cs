using Pique.Reporting;

namespace Pique.Tests.Reporting;

public sealed class LearningRatePlotTests
{
    [Fact]
    public void The_same_figures_give_the_same_picture_and_others_another()
    {
        byte[] first = LearningRatePlot.Draw([1e-6, 1e-4, 1e-2], [3, 2, 5], [3, 2.5, 3], 1e-5);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], first[..4]);
        Assert.Equal(first, LearningRatePlot.Draw([1e-6, 1e-4, 1e-2], [3, 2, 5], [3, 2.5, 3], 1e-5));
        Assert.NotEqual(first, LearningRatePlot.Draw([1e-6, 1e-4, 1e-2], [3, 2, 5], [3, 2.5, 3], 1e-3));
    }
}
