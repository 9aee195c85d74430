using Pique.Configuration;
using Pique.Numerics;

namespace Pique.Quantization.Frozen;

/// <summary>Joins packed matrices that lie one below the other. Their scales must be of rows or of parts of rows.</summary>
internal sealed class PackedRowsJoin
{
    private readonly long _rows;
    private readonly long _columns;
    private readonly WeightQuantizationSpec _spec;
    private readonly byte[] _codes;
    private readonly Half[] _scales;
    private readonly byte[]? _zeroPoints;
    private readonly byte[]? _subScales;
    private int _codeCount, _scaleCount, _groupCount;

    /// <summary>Begins a matrix.</summary>
    /// <param name="rows">Its rows.</param>
    /// <param name="columns">Its columns.</param>
    /// <param name="spec">How it is quantized; not per tensor.</param>
    public PackedRowsJoin(long rows, long columns, WeightQuantizationSpec spec)
    {
        if (spec.Granularity is QuantGranularity.PerTensor)
            throw new ArgumentException("Rows that share one scale are no matrices of their own.", nameof(spec));
        (_rows, _columns, _spec) = (rows, columns, spec);
        GroupLayout layout = GroupLayout.For(spec.Granularity, rows, columns);
        _codes = new byte[checked(rows * BitPacking.RowBytes(columns, spec.Bits))];
        _scales = new Half[spec.TwoLevelScales ? layout.LineCount * TwoLevelScale.SuperScalesPerLine(layout) : layout.GroupCount];
        _zeroPoints = spec.Symmetric ? null : new byte[layout.GroupCount];
        _subScales = spec.TwoLevelScales ? new byte[layout.GroupCount] : null;
    }

    /// <summary>Adds the next rows.</summary>
    /// <param name="rows">Quantized as the whole is to be.</param>
    public void Append(QuantizedTensor rows)
    {
        rows.PackedCodes.CopyTo(_codes.AsMemory(_codeCount));
        rows.Scales.CopyTo(_scales.AsMemory(_scaleCount));
        rows.ZeroPoints?.CopyTo(_zeroPoints.AsMemory(_groupCount));
        rows.SubScales?.CopyTo(_subScales.AsMemory(_groupCount));
        _codeCount += rows.PackedCodes.Length;
        _scaleCount += rows.Scales.Length;
        _groupCount += checked((int)rows.Layout.GroupCount);
    }

    /// <summary>The matrix of all rows.</summary>
    public QuantizedTensor Finish() => new(_rows, _columns, _spec.Grid, _spec.Granularity, _codes, _scales, _zeroPoints, _subScales, _spec.PiKPerChannel ? null : _spec.PiK);
}
