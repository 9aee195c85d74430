using Pique.Data;

namespace Pique.Training;

/// <summary>Serves the batches of a run in order, beginning at any position; one pass over an epoch's batches is open at a time.</summary>
/// <param name="source">The batches.</param>
internal sealed class BatchFeed(IBatchSource source) : IDisposable
{
    private IEnumerator<TokenBatch>? _batches;

    /// <summary>Serves the batch of a position; calls follow one another without gaps. The caller disposes of it.</summary>
    /// <param name="state">Where the run stands.</param>
    /// <exception cref="InvalidOperationException">The source serves fewer batches in this epoch than in others.</exception>
    public TokenBatch Next(TrainingState state)
    {
        _batches ??= source.Batches(state.Epoch, state.BatchIndex).GetEnumerator();
        return _batches.MoveNext()
            ? _batches.Current
            : throw new InvalidOperationException($"Epoch {state.Epoch} ended after {state.BatchIndex} of {state.StepsPerEpoch} batches; a batch source serves the same number in all epochs.");
    }

    /// <summary>Ends the epoch; the next call begins one.</summary>
    public void EndEpoch()
    {
        _batches?.Dispose();
        _batches = null;
    }

    /// <inheritdoc/>
    public void Dispose() => EndEpoch();
}
