namespace Pique.Data;

/// <summary>Training batches by position. The same position always gives the same batch, so a run can resume at any step.</summary>
public interface IBatchSource
{
    /// <summary>Batches in every epoch; at least 1.</summary>
    int BatchesPerEpoch { get; }

    /// <summary>The batches of an epoch from a place on. The caller disposes of each.</summary>
    /// <param name="epoch">Epoch, from 0; decides the order of the rows.</param>
    /// <param name="startBatch">First batch to serve, from 0 to <see cref="BatchesPerEpoch"/>.</param>
    IEnumerable<TokenBatch> Batches(int epoch, int startBatch = 0);
}
