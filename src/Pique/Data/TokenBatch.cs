using static TorchSharp.torch;

namespace Pique.Data;

/// <summary>A reasoning span inside a batch.</summary>
/// <param name="Row">Row of the batch.</param>
/// <param name="Record">Number of the chain of thought the span belongs to, unique in the batch; spans of one record follow one another.</param>
/// <param name="Span">Token run, as indices into the row's input tokens.</param>
public readonly record struct BatchSpan(int Row, int Record, ReasoningSpan Span);

/// <summary>One batch of packed rows.</summary>
/// <param name="Inputs">Token ids, shape [rows, context], int64.</param>
/// <param name="Targets">Next token of each input, shape [rows, context], int64.</param>
/// <param name="LossMask">1 where the target counts in the loss, else 0; shape [rows, context], float32.</param>
/// <param name="Spans">Reasoning spans: a token's index is its place in <paramref name="Inputs"/>; position i's hidden state has seen it, position i−1's logits predict it.</param>
/// <param name="TokenCount">Tokens that are not padding.</param>
public sealed record TokenBatch(Tensor Inputs, Tensor Targets, Tensor LossMask, IReadOnlyList<BatchSpan> Spans, int TokenCount) : IDisposable
{
    /// <summary>Which row of its data set each row is, the same in every epoch; empty where there is no data set behind the batch.</summary>
    public IReadOnlyList<int> DatasetRows { get; init; } = [];

    /// <inheritdoc/>
    public void Dispose()
    {
        Inputs.Dispose();
        Targets.Dispose();
        LossMask.Dispose();
    }
}
