using Pique.Configuration;

namespace Pique.Data;

/// <summary>Part a token plays in the chain of thought; docs/math.md §4.</summary>
public enum ReasoningSpanKind
{
    /// <summary>A step without calculation.</summary>
    Step,

    /// <summary>A step that calculates.</summary>
    Calculation,

    /// <summary>The last step, which states the conclusion.</summary>
    Conclusion,

    /// <summary>The final answer.</summary>
    Answer,
}

/// <summary>A run of tokens that form one reasoning step or the answer.</summary>
/// <param name="Start">Index of the first token.</param>
/// <param name="Length">Number of tokens; at least 1.</param>
/// <param name="Kind">Part it plays.</param>
public readonly record struct ReasoningSpan(int Start, int Length, ReasoningSpanKind Kind)
{
    /// <summary>Index of the last token.</summary>
    public int Last => Start + Length - 1;
}

/// <summary>A record as token ids.</summary>
/// <param name="Tokens">Token ids, opened by the begin token and closed by the end token where the tokenizer has them.</param>
/// <param name="LossMask">Per token: whether predicting it counts in the loss. The first is always false.</param>
/// <param name="Spans">Reasoning steps in order, then the answer; empty for running text and tool calls.</param>
/// <param name="Domain">What the record is about.</param>
/// <param name="Origin">Where the record was read, for messages.</param>
/// <param name="MayBeCut">Whether packing may cut it into windows of the context length.</param>
public sealed record TokenizedRecord(
    IReadOnlyList<int> Tokens,
    IReadOnlyList<bool> LossMask,
    IReadOnlyList<ReasoningSpan> Spans,
    DataDomain Domain,
    string Origin = "",
    bool MayBeCut = false);
