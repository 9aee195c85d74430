using static TorchSharp.torch;

namespace Pique.Quantization.Frozen;

/// <summary>A weight matrix that is not trained, held in fewer bytes than float32 and read as float32 a few rows at a time, so that no float32 copy of a model ever exists.</summary>
public abstract class FrozenWeight : IDisposable
{
    /// <summary>Weights read at a time where a product or a sum can be taken in pieces: 16 MB of float32.</summary>
    internal const long PieceWeights = 1 << 22;

    private protected FrozenWeight(long rows, long columns)
    {
        Rows = rows;
        Columns = columns;
    }

    /// <summary>Output features, or tokens of an embedding.</summary>
    public long Rows { get; }

    /// <summary>Input features, or width of an embedding.</summary>
    public long Columns { get; }

    /// <summary>Bytes the weights are held in.</summary>
    public abstract long StoredBytes { get; }

    /// <summary>Reads consecutive rows.</summary>
    /// <param name="firstRow">First row.</param>
    /// <param name="rowCount">Number of rows.</param>
    /// <returns>Fresh tensor of shape [rowCount, columns], float32.</returns>
    public abstract Tensor Materialize(long firstRow, long rowCount);

    /// <summary>Reads all rows.</summary>
    /// <returns>Fresh tensor of shape [rows, columns], float32.</returns>
    public Tensor Materialize() => Materialize(0, Rows);

    /// <summary>Reads the rows of an index.</summary>
    /// <param name="rows">Row numbers, shape [n], int64.</param>
    /// <returns>Fresh tensor of shape [n, columns], float32.</returns>
    public abstract Tensor SelectRows(Tensor rows);

    /// <summary>The rows in consecutive pieces of at most so many weights, at least one row each.</summary>
    /// <param name="pieceWeights">Weights of a piece.</param>
    internal IEnumerable<(long FirstRow, long RowCount)> Pieces(long pieceWeights = PieceWeights)
    {
        long rowsPerPiece = Math.Max(1, pieceWeights / Math.Max(1, Columns));
        for (long first = 0; first < Rows; first += rowsPerPiece)
            yield return (first, Math.Min(rowsPerPiece, Rows - first));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Frees native memory.</summary>
    /// <param name="disposing">Whether called by <see cref="Dispose()"/>.</param>
    protected virtual void Dispose(bool disposing)
    {
    }
}
