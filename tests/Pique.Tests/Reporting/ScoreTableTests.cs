using Pique.Evaluation;
using Pique.Reporting;

namespace Pique.Tests.Reporting;

public class ScoreTableTests
{
    [Fact]
    public void A_row_shows_every_figure() => Assert.Equal(
        ["qat", "3.25", "1.60", "4.200", "0.518", "0.0123", "97.5 %", "88.0 % (80–93)", "97.5 % (87–100)"],
        ScoreTable.Row(Scores.Trained));

    [Fact]
    public void What_does_not_apply_is_a_dash() => Assert.Equal(
        ["teacher", "16.10", "8.00", "4.000", "0.500", "–", "–", "–", "–"],
        ScoreTable.Row(Scores.Teacher with { Reasoning = null, ToolCalls = null }));

    [Fact]
    public void A_figure_that_is_no_number_says_so()
    {
        IReadOnlyList<string> row = ScoreTable.Row(Scores.WithPerplexity("qat", double.NaN) with { BitsPerWeight = double.PositiveInfinity });

        Assert.Equal(["qat", "Infinity", "1.60", "NaN", "NaN"], row.Take(5));
    }

    [Fact]
    public void Every_column_has_a_name() => Assert.All(
        (ModelScore[])[Scores.Teacher, Scores.Trained], score => Assert.Equal(ScoreTable.Header.Count, ScoreTable.Row(score).Count));
}
