using Pique.Configuration;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Quantization.Frozen;

/// <summary>Makes a frozen weight from its rows, a few at a time, so that the whole of it never exists in float32.</summary>
public sealed class FrozenWeightBuilder : IDisposable
{
    /// <summary>Block size of <see cref="FrozenStorage.Int8"/>.</summary>
    public const int BlockSize = 32;

    private static readonly WeightQuantizationSpec Spec = new(8, new QuantGranularity.PerBlock(BlockSize), new SteVariant.Standard());

    private readonly long _rows;
    private readonly long _columns;
    private readonly PackedRowsJoin? _packed;
    private Tensor? _values;
    private long _rowCount;

    /// <summary>Begins a weight.</summary>
    /// <param name="storage">How it is held; null for float32.</param>
    /// <param name="rows">Its rows.</param>
    /// <param name="columns">Its columns.</param>
    public FrozenWeightBuilder(FrozenStorage? storage, long rows, long columns)
    {
        (_rows, _columns) = (rows, columns);
        if (storage == FrozenStorage.Int8)
            _packed = new PackedRowsJoin(rows, columns, Spec);
        else
            _values = empty([rows, columns], storage is null ? ScalarType.Float32 : ScalarType.BFloat16).DetachFromDisposeScope();
    }

    /// <summary>Makes a frozen weight of a whole matrix.</summary>
    /// <param name="storage">How it is held; null for float32.</param>
    /// <param name="weight">Finite matrix, shape [rows, columns], float32.</param>
    /// <returns>The weight, owned by the caller.</returns>
    public static FrozenWeight Of(FrozenStorage? storage, Tensor weight)
    {
        using FrozenWeightBuilder builder = new(storage, weight.shape[0], weight.shape[1]);
        builder.Append(weight);
        return builder.Finish();
    }

    /// <summary>Adds the next rows, rounded to nearest: to bfloat16, or to codes at the scale that covers each block.</summary>
    /// <param name="rows">Finite rows, shape [n, columns], float32.</param>
    public void Append(Tensor rows)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor contiguous = rows.detach().contiguous();
        if (_packed is not null)
        {
            GroupLayout layout = GroupLayout.For(Spec.Granularity, rows.shape[0], _columns);
            GroupScales covering = GridArithmetic.Covering(contiguous, layout, Spec.Grid);
            _packed.Append(QuantizedTensor.Pack(contiguous, Spec, layout, new(HalfScale.Round(covering.Scales), null)));
        }
        else
        {
            _values!.narrow(0, _rowCount, rows.shape[0]).copy_(contiguous);
        }

        _rowCount += rows.shape[0];
    }

    /// <summary>The weight of all rows.</summary>
    /// <returns>Owned by the caller.</returns>
    /// <exception cref="InvalidOperationException">Rows are missing.</exception>
    public FrozenWeight Finish()
    {
        if (_rowCount != _rows)
            throw new InvalidOperationException($"found {_rowCount} rows, expected {_rows}.");
        if (_packed is not null)
            return new PackedWeight(_packed.Finish());
        Tensor values = _values!;
        _values = null;
        return new DenseWeight(values);
    }

    /// <inheritdoc/>
    public void Dispose() => _values?.Dispose();
}
