namespace Pique.Evaluation;

/// <summary>What one model costs and what it can do: a row of the closing table.</summary>
public sealed record ModelScore
{
    /// <summary>"teacher", "ptq" (rounded, not trained) or "qat".</summary>
    public required string Name { get; init; }

    /// <summary>Stored bits per parameter, scales included, over the whole model.</summary>
    public required double BitsPerWeight { get; init; }

    /// <summary>Size of the model's weights on disk.</summary>
    public required long FileBytes { get; init; }

    /// <summary>Prediction of held-out text, and agreement with the teacher.</summary>
    public required LanguageModelQuality Quality { get; init; }

    /// <summary>Held-out reasoning problems answered exactly; null where the data has none.</summary>
    public AnswerAccuracy? Reasoning { get; init; }

    /// <summary>Held-out requests answered by the right call; null where the data has none.</summary>
    public AnswerAccuracy? ToolCalls { get; init; }
}
