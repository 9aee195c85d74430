using Pique.Cli.Rendering;
using Pique.Evaluation;

namespace Pique.Cli.Tests.Rendering;

public class TablesTests
{
    [Fact]
    public void The_closing_table_aligns_and_says_that_quality_survived()
    {
        var fake = new FakeTerminal();
        Terminal terminal = fake.Terminal;
        ModelScore[] scores = [Score("teacher", 16, 2_000_000, 1.0), Score("ptq", 3.13, 400_000, 2.0), Score("qat", 3.13, 400_000, 1.02)];

        Tables.DrawScores(terminal.Output, scores);
        Tables.DrawVerdict(terminal.Output, scores);

        Assert.Equal(
            """

              model     bits/weight     MB   perplexity   bits/byte   KL to teacher   top-1 agreement        reasoning   tool calls
            ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
              teacher         16.00   2.00        2.718       0.721               –                 –   95.0 % (76–99)            –
              ptq              3.13   0.40        7.389       1.443               –                 –   95.0 % (76–99)            –
              qat              3.13   0.40        2.773       0.736               –                 –   95.0 % (76–99)            –

            Quality survived: 3.13 bits per weight, 5.0 times smaller than the teacher's file, perplexity 1.020 times the teacher's.

            """,
            fake.Output);
    }

    [Fact]
    public void A_worse_model_is_announced_loudly()
    {
        var fake = new FakeTerminal();
        Terminal terminal = fake.Terminal;

        Tables.DrawVerdict(terminal.Output, [Score("teacher", 16, 2_000_000, 1.0), Score("qat", 2.13, 300_000, 1.5)]);

        Assert.StartsWith("WARNING: Quality got worse: perplexity is 1.65 times the teacher's", fake.Output, StringComparison.Ordinal);
    }

    private static ModelScore Score(string name, double bits, long bytes, double lossNats) => new()
    {
        Name = name,
        BitsPerWeight = bits,
        FileBytes = bytes,
        Quality = new LanguageModelQuality { Tokens = 100, TextBytes = 200, LossNats = lossNats },
        Reasoning = new AnswerAccuracy(19, 20),
    };
}
