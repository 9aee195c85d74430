using Pique.Evaluation;
using Pique.Reporting;

namespace Pique.Tests.Reporting;

public class QualityVerdictTests
{
    [Fact]
    public void Quality_that_survived_is_said_to_have_survived() => Assert.Equal(
        new QualityVerdict(false, "Quality survived: 3.25 bits per weight, 5.0 times smaller than the teacher's file, perplexity 1.050 times the teacher's."),
        QualityVerdict.Of([Scores.Teacher, Scores.Rounded, Scores.Trained]));

    [Fact]
    public void Every_loss_of_quality_is_named() => Assert.Equal(
        new QualityVerdict(
            true,
            "Quality got worse: perplexity is 10.00 times the teacher's; reasoning accuracy is 0.0 % against the teacher's 90.0 %; "
            + "tool-call accuracy is 2.5 % against the teacher's 100.0 % (3.25 bits per weight, 5.0 times smaller than the teacher's file)."),
        QualityVerdict.Of([Scores.Teacher, Scores.Trained, Scores.Rounded]));

    [Theory]
    [InlineData(4.4, false)]
    [InlineData(4.401, true)]
    [InlineData(double.NaN, true)]
    [InlineData(double.PositiveInfinity, true)]
    public void Perplexity_may_rise_by_a_tenth(double perplexity, bool isWorse) =>
        Assert.Equal(isWorse, QualityVerdict.Of([Scores.Teacher, Scores.WithPerplexity("qat", perplexity - 1e-12)]).IsWorse);

    [Theory]
    [InlineData(88, false)]
    [InlineData(87, true)]
    public void Accuracy_may_fall_by_three_hundredths_of_the_teachers(int correct, bool isWorse) =>
        Assert.Equal(isWorse, QualityVerdict.Of([Scores.Teacher, Scores.Trained with { Reasoning = new(correct, 100) }]).IsWorse);

    [Fact]
    public void An_accuracy_that_the_teacher_lacks_cannot_be_lost()
    {
        ModelScore teacher = Scores.Teacher with { Reasoning = new(0, 100), ToolCalls = null };

        Assert.False(QualityVerdict.Of([teacher, Scores.Trained with { Reasoning = new(0, 100), ToolCalls = new(0, 40) }]).IsWorse);
    }

    [Fact]
    public void A_model_that_grew_is_said_to_be_larger() => Assert.Contains(
        ", 1.5 times larger than the teacher's file,",
        QualityVerdict.Of([Scores.Teacher, Scores.Trained with { FileBytes = 12_000_000 }]).Text,
        StringComparison.Ordinal);
}
