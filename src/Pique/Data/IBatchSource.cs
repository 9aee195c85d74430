namespace Pique.Data;

/// <summary>Training batches by position. The same position always gives the same batch, so a run can resume at any step.</summary>
public interface IBatchSource
{
    /// <summary>Batches in every epoch; at least 1.</summary>
    int BatchesPerEpoch { get; }

    /// <summary>Makes one batch. The caller disposes it.</summary>
    /// <param name="epoch">Epoch, from 0; decides the order of the rows.</param>
    /// <param name="batchIndex">Place in the epoch, from 0 to <see cref="BatchesPerEpoch"/> − 1.</param>
    TokenBatch GetBatch(int epoch, int batchIndex);
}
