using static TorchSharp.torch;

namespace Pique.Quantization.Frozen;

/// <summary>A frozen weight held value by value: in bfloat16, or in float32 where nothing may be rounded.</summary>
public sealed class DenseWeight : FrozenWeight
{
    private readonly Tensor _values;

    /// <summary>Takes a matrix over.</summary>
    /// <param name="values">Shape [rows, columns], bfloat16 or float32; disposed with this object.</param>
    public DenseWeight(Tensor values) : base(values.shape[0], values.shape[1])
    {
        if (values.dtype is not (ScalarType.BFloat16 or ScalarType.Float32))
            throw new ArgumentException($"found {values.dtype}, expected BFloat16 or Float32", nameof(values));
        _values = values.DetachFromDisposeScope();
    }

    /// <inheritdoc/>
    public override long StoredBytes => Rows * Columns * (_values.dtype == ScalarType.BFloat16 ? 2 : sizeof(float));

    /// <inheritdoc/>
    public override Tensor Materialize(long firstRow, long rowCount)
    {
        using Tensor rows = _values.narrow(0, firstRow, rowCount);
        return rows.to(ScalarType.Float32, copy: true);
    }

    /// <inheritdoc/>
    public override Tensor SelectRows(Tensor rows)
    {
        using Tensor selected = _values.index_select(0, rows);
        return selected.to(ScalarType.Float32, copy: true);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _values.Dispose();
        base.Dispose(disposing);
    }
}
