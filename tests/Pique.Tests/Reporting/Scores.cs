using Pique.Evaluation;

namespace Pique.Tests.Reporting;

/// <summary>Rows of figures that are easy to check by hand.</summary>
internal static class Scores
{
    public static readonly ModelScore Teacher = new()
    {
        Name = "teacher",
        BitsPerWeight = 16.1,
        FileBytes = 8_000_000,
        Quality = new() { Tokens = 1000, TextBytes = 4000, LossNats = Math.Log(4) },
        Reasoning = new(90, 100),
        ToolCalls = new(40, 40),
    };

    public static readonly ModelScore Rounded = WithPerplexity("ptq", 40) with
    {
        Reasoning = new(0, 100),
        ToolCalls = new(1, 40),
    };

    public static readonly ModelScore Trained = WithPerplexity("qat", 4.2) with
    {
        Reasoning = new(88, 100),
        ToolCalls = new(39, 40),
    };

    public static ModelScore WithPerplexity(string name, double perplexity) => new()
    {
        Name = name,
        BitsPerWeight = 3.25,
        FileBytes = 1_600_000,
        Quality = new() { Tokens = 1000, TextBytes = 4000, LossNats = Math.Log(perplexity), Teacher = new(0.0123456, 0.5, 0.975, 0.01) },
    };
}
