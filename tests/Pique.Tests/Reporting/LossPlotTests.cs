using System.Xml.Linq;
using Pique.Reporting;

namespace Pique.Tests.Reporting;

public class LossPlotTests
{
    private static readonly double[] Falling = [.. Enumerable.Range(1, 500).Select(step => 5.0 / step)];

    public static TheoryData<string, double[]> Courses => new()
    {
        { "no step", [] },
        { "one step", [3] },
        { "two steps", [3, 2] },
        { "many steps", Falling },
        { "all alike", [2, 2, 2] },
        { "zeros only", [0, 0, 0] },
        { "one skipped", [3, double.NaN, 2] },
        { "first skipped", [double.NaN, 3, 2] },
        { "all skipped", [double.NaN, double.NaN] },
        { "infinite", [double.PositiveInfinity, 1, double.NegativeInfinity] },
        { "huge", [1e300, 1e-300] },
    };

    [Theory]
    [MemberData(nameof(Courses))]
    public void Every_course_gives_one_well_formed_picture(string name, double[] losses)
    {
        XElement svg = XElement.Parse(LossPlot.Draw([(name, losses), ("other", losses)]));

        Assert.Equal("svg", svg.Name.LocalName);
        Assert.Equal("860", svg.Attribute("width")?.Value);
        Assert.Equal("320", svg.Attribute("height")?.Value);
    }

    [Fact]
    public void A_curve_is_drawn_only_where_there_is_something_to_see()
    {
        string nothing = LossPlot.Draw([]);

        Assert.Equal(nothing, LossPlot.Draw([("zeros", [0, 0]), ("skipped", [double.NaN])]));
        Assert.NotEqual(nothing, LossPlot.Draw([("loss", Falling)]));
    }

    [Fact]
    public void The_same_losses_give_the_same_picture() => Assert.Equal(LossPlot.Draw([("loss", Falling)]), LossPlot.Draw([("loss", Falling)]));

    [Fact]
    public void The_mean_forgets_a_tenth_a_step_and_passes_over_what_is_not_finite()
    {
        (int firstStep, double[] means) = LossPlot.Smooth([double.NaN, 4, 2, double.NaN, double.PositiveInfinity, 1]);

        Assert.Equal(2, firstStep);
        double second = ((0.9 * 4) + 2) / 1.9;
        double[] expected = [4, second, second, second, ((0.81 * 4) + (0.9 * 2) + 1) / 2.71];
        Assert.Equal(expected, means, (left, right) => Math.Abs(left - right) < 1e-12);
    }
}
