namespace Pique.Evaluation;

/// <summary>How well a model predicts a text and, where a teacher was given, how closely it follows it; docs/math.md §8.</summary>
public sealed record LanguageModelQuality
{
    /// <summary>Tokens predicted.</summary>
    public required long Tokens { get; init; }

    /// <summary>Bytes of UTF-8 text those tokens spell.</summary>
    public required long TextBytes { get; init; }

    /// <summary>Mean loss in nats per token.</summary>
    public required double LossNats { get; init; }

    /// <summary>exp(<see cref="LossNats"/>).</summary>
    public double Perplexity => Math.Exp(LossNats);

    /// <summary>Loss in bits per byte of text; comparable between tokenizers.</summary>
    public double BitsPerByte => LossNats * Tokens / (Math.Log(2) * TextBytes);

    /// <summary>Agreement with the teacher; null where none was given.</summary>
    public TeacherAgreement? Teacher { get; init; }
}
