using Pique.Evaluation;

namespace Pique.Tests.Evaluation;

public class AnswerAccuracyTests
{
    /// <summary>
    /// By Python's decimal module at 40 digits, z = 1.959963984540054:
    /// ((2·n·p + z²) ∓ z·√(z² + 4·n·p·(1 − p))) / (2·(n + z²)), Newcombe 1998, method 3.
    /// </summary>
    [Theory]
    [InlineData(0, 10, 0, 0.2775327998628892)]
    [InlineData(10, 10, 0.7224672001371107, 1)]
    [InlineData(1, 1, 0.20654931437723742, 1)]
    [InlineData(81, 263, 0.2552885198782742, 0.36620957698280004)]
    [InlineData(15, 148, 0.06238639953073628, 0.16048724172330803)]
    [InlineData(300, 300, 0.987357028775454, 1)]
    public void The_interval_is_Wilsons(int correct, int total, double lower, double upper)
    {
        (double Lower, double Upper) interval = new AnswerAccuracy(correct, total).Interval;

        Assert.Equal(lower, interval.Lower, 14);
        Assert.Equal(upper, interval.Upper, 14);
    }

    [Fact]
    public void Accuracy_is_the_share_of_problems_solved() => Assert.Equal(0.75, new AnswerAccuracy(3, 4).Accuracy);

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-1, 3)]
    [InlineData(4, 3)]
    public void Impossible_counts_are_refused(int correct, int total) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new AnswerAccuracy(correct, total));
}
