namespace Pique.Models.Generation;

/// <summary>What a model wrote after a prompt.</summary>
/// <param name="TokenIds">Tokens after the prompt, without the stop token.</param>
/// <param name="FinishReason">Why it ended.</param>
public sealed record GeneratedSequence(IReadOnlyList<int> TokenIds, FinishReason FinishReason);
