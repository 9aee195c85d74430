using Pique.Configuration;
using Pique.Numerics;
using Pique.Numerics.Kernels;
using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>A quantized weight matrix: packed codes, float16 scales and, on the affine grid, zero points.</summary>
/// <remarks>
/// Codes are packed as <see cref="BitPacking"/> says, every row at a byte of its own. A weight reads back as
/// (code − zeroPoint + offset)·scale, with zero point 2^(bits−1) on the symmetric grids: equal to the fake-quantized weight of the last
/// forward pass, bit for bit.
/// </remarks>
public sealed class QuantizedTensor
{
    private readonly byte[] _packedCodes;
    private readonly Half[] _scales;
    private readonly byte[]? _zeroPoints;
    private readonly byte[]? _subScales;
    private (float[] Scales, float[] ZeroPoints)? _groupValues;

    /// <summary>Takes the parts of a quantized matrix, as a file holds them.</summary>
    /// <param name="rows">Output features.</param>
    /// <param name="columns">Input features.</param>
    /// <param name="grid">The codes: 2, 3, 4, 5 or 8 bits.</param>
    /// <param name="granularity">Which weights share a scale.</param>
    /// <param name="packedCodes">Packed codes, rows·⌈columns·bits/8⌉ bytes.</param>
    /// <param name="scales">A scale for every group, line by line; with <paramref name="subScales"/>, a super-scale for every 256 weights of a line.</param>
    /// <param name="zeroPoints">A zero point for every group; null on the symmetric grids.</param>
    /// <param name="subScales">The integer of every group that its super-scale is multiplied by; null where scales have one level.</param>
    /// <param name="piK">k of the pi grid the scales were trained on, for the record; null for the uniform grid and where every channel has its own.</param>
    /// <exception cref="InputException">A length does not fit the shape, a scale is not finite and positive, or a zero point or sub-scale is out of range.</exception>
    public QuantizedTensor(
        long rows,
        long columns,
        CodeGrid grid,
        QuantGranularity granularity,
        byte[] packedCodes,
        Half[] scales,
        byte[]? zeroPoints = null,
        byte[]? subScales = null,
        int? piK = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        if (grid.Bits is not (2 or 3 or 4 or 5 or 8))
            throw new InputException($"Quantized tensor: found {grid.Bits} bits, expected 2, 3, 4, 5 or 8.");
        if (grid.Symmetric != zeroPoints is null)
            throw new InputException($"Quantized tensor: found {(zeroPoints is null ? "no zero points" : "zero points")}, expected {(grid.Symmetric ? "none" : "some")} on the {grid.Kind} grid.");
        Layout = GroupLayout.For(granularity, rows, columns);
        Grid = grid;
        RequireCount("bytes of codes", packedCodes.Length, checked(rows * BitPacking.RowBytes(columns, grid.Bits)));
        RequireCount(subScales is null ? "scales" : "super-scales", scales.Length, subScales is null ? Layout.GroupCount : Layout.LineCount * TwoLevelScale.SuperScalesPerLine(Layout));
        if (Array.FindIndex(scales, scale => !Half.IsFinite(scale) || scale <= Half.Zero) is var bad and >= 0)
            throw new InputException($"Quantized tensor: scale {bad} is {scales[bad]}, expected a finite number above zero.");
        if (zeroPoints is not null)
        {
            RequireCount("zero points", zeroPoints.Length, Layout.GroupCount);
            RequireRange("zero point", zeroPoints, 0, Grid.MaxCode);
        }

        if (subScales is not null)
        {
            RequireCount("sub-scales", subScales.Length, Layout.GroupCount);
            if (!TwoLevelScale.Exists(grid.Bits, Layout.BlockSize) && Layout.WeightCount > 0)
                throw new InputException($"Quantized tensor: found two-level scales of {granularity} at {grid.Bits} bits, expected PerBlock 32 at 2 to 5 bits or PerBlock 16 at 2 or 3.");
            RequireRange("sub-scale", subScales, 1, TwoLevelScale.LargestMultiplier(grid.Bits));
        }

        (Granularity, PiK, _packedCodes, _scales, _zeroPoints, _subScales) = (granularity, piK, packedCodes, scales, zeroPoints, subScales);
    }

    /// <summary>Output features.</summary>
    public long Rows => Layout.Rows;

    /// <summary>Input features.</summary>
    public long Columns => Layout.Columns;

    /// <summary>Bits a code.</summary>
    public int Bits => Grid.Bits;

    /// <summary>The codes.</summary>
    public CodeGrid Grid { get; }

    /// <summary>Which weights share a scale.</summary>
    public QuantGranularity Granularity { get; }

    /// <summary>Where each group lies.</summary>
    public GroupLayout Layout { get; }

    /// <summary>k of the pi grid the scales were trained on; null for the uniform grid. Scales are already folded, α·π/k.</summary>
    public int? PiK { get; }

    /// <summary>Packed codes, rows·⌈columns·bits/8⌉ bytes.</summary>
    public ReadOnlyMemory<byte> PackedCodes => _packedCodes;

    /// <summary>Scales, shape [lines, blocksPerLine] line by line; with <see cref="SubScales"/>, super-scales, shape [lines, ⌈lineWidth/256⌉].</summary>
    public ReadOnlyMemory<Half> Scales => _scales;

    /// <summary>Integers that the super-scales are multiplied by, shape [lines, blocksPerLine]; null where scales have one level.</summary>
    public ReadOnlyMemory<byte>? SubScales => _subScales is { } subScales ? subScales : (ReadOnlyMemory<byte>?)null;

    /// <summary>Zero points, shape [lines, blocksPerLine]; null on the symmetric grids.</summary>
    public ReadOnlyMemory<byte>? ZeroPoints => _zeroPoints is { } zeroPoints ? zeroPoints : (ReadOnlyMemory<byte>?)null;

    /// <summary>Bytes of codes, scales and zero points.</summary>
    public long StoredBytes => _packedCodes.LongLength + (2 * _scales.LongLength) + (_zeroPoints?.LongLength ?? 0) + (_subScales?.LongLength ?? 0);

    /// <summary>Bits a weight takes, scales, zero points and row padding included; NaN for a tensor without weights.</summary>
    public double BitsPerWeight => 8.0 * StoredBytes / Layout.WeightCount;

    /// <summary>Quantizes and packs a weight.</summary>
    /// <param name="weight">Contiguous finite weight, shape [rows, columns], float32.</param>
    /// <param name="spec">How it is quantized.</param>
    /// <param name="layout">Which weights share a scale.</param>
    /// <param name="scales">Scales that a file holds exactly, and zero points.</param>
    /// <param name="codeScales">Scales the codes are found at, where these are others; null for <paramref name="scales"/>.</param>
    /// <returns>The packed tensor.</returns>
    internal static QuantizedTensor Pack(Tensor weight, WeightQuantizationSpec spec, GroupLayout layout, GroupScales scales, Tensor? codeScales = null)
    {
        float[] groupScales = Values(scales.Scales);
        float[] zeroPoints = scales.ZeroPoints is { } zeros ? Values(zeros) : [];
        (Half[] stored, byte[]? subScales) = spec.TwoLevelScales ? TwoLevelScale.Split(groupScales, layout, spec.Bits) : (Array.ConvertAll(groupScales, scale => (Half)scale), null);
        byte[] packed = new byte[checked(layout.Rows * BitPacking.RowBytes(layout.Columns, spec.Bits))];
        using Tensor readable = weight.cpu();
        QuantizePackKernel.Run(readable, codeScales is null ? groupScales : Values(codeScales), zeroPoints, spec.Grid, layout, packed);
        byte[]? storedZeroPoints = spec.Symmetric ? null : Array.ConvertAll(zeroPoints, zero => (byte)zero);
        return new QuantizedTensor(layout.Rows, layout.Columns, spec.Grid, spec.Granularity, packed, stored, storedZeroPoints, subScales, spec.PiKPerChannel ? null : spec.PiK);
    }

    /// <summary>Unpacks one row's codes.</summary>
    /// <param name="row">Row, from 0.</param>
    /// <param name="codes">Receives <see cref="Columns"/> stored codes, 0 … 2^bits − 1.</param>
    public void UnpackRow(long row, Span<byte> codes)
    {
        int rowBytes = (int)BitPacking.RowBytes(Columns, Bits);
        UnpackKernel.UnpackRow(_packedCodes.AsSpan(checked((int)(row * rowBytes)), rowBytes), Bits, codes);
    }

    /// <summary>Reads the weights back.</summary>
    /// <returns>(code − zeroPoint + offset)·scale row by row, rows·columns values.</returns>
    public float[] DequantizeToArray()
    {
        float[] weights = GC.AllocateUninitializedArray<float>(checked((int)(Rows * Columns)));
        Dequantize(0, weights);
        return weights;
    }

    /// <summary>Reads consecutive weights back.</summary>
    /// <param name="firstWeight">Index of the first weight, counting row by row.</param>
    /// <param name="destination">Receives as many weights as it has room for.</param>
    /// <exception cref="ArgumentException">The matrix ends before that many.</exception>
    public void Dequantize(long firstWeight, Span<float> destination)
    {
        (float[] scales, float[] zeroPoints) = GroupValues();
        UnpackDequantizeKernel.Run(_packedCodes, scales, zeroPoints, Grid, Layout, firstWeight, destination);
    }

    /// <summary>Reads the weights back.</summary>
    /// <returns>Shape [rows, columns], float32.</returns>
    public Tensor Dequantize()
    {
        (float[] scales, float[] zeroPoints) = GroupValues();
        Tensor weights = empty([Rows, Columns], ScalarType.Float32, CPU);
        UnpackDequantizeKernel.Run(_packedCodes, scales, zeroPoints, Grid, Layout, weights);
        return weights;
    }

    // Made once, when weights are first read: a folder that is only copied never needs them.
    private (float[] Scales, float[] ZeroPoints) GroupValues() => _groupValues ??= (
        [.. Enumerable.Range(0, checked((int)Layout.GroupCount)).Select(group => ScaleOf(group))],
        _zeroPoints is null ? [] : Array.ConvertAll(_zeroPoints, zeroPoint => (float)zeroPoint));

    /// <summary>Scale of a group: super-scale times sub-scale where scales have two levels. Exact in float32.</summary>
    /// <param name="group">Index of the group, line by line.</param>
    /// <returns>The scale.</returns>
    public float ScaleOf(long group) => SuperScaleOf(group) * (_subScales?[group] ?? 1);

    /// <summary>Float16 scale that a group's scale is an integer multiple of: the super-scale where scales have two levels, else the scale itself.</summary>
    /// <param name="group">Index of the group, line by line.</param>
    /// <returns>The scale.</returns>
    public float SuperScaleOf(long group) => (float)_scales[ScaleIndex(group)];

    private long ScaleIndex(long group)
    {
        if (_subScales is null)
            return group;
        (long line, long block) = Math.DivRem(group, Layout.BlocksPerLine);
        return (line * TwoLevelScale.SuperScalesPerLine(Layout)) + (block / TwoLevelScale.BlocksPerSuperScale(Layout));
    }

    private static float[] Values(Tensor values) => values.numel() == 0 ? [] : values.cpu().data<float>().ToArray();

    private static void RequireRange(string what, byte[] values, int least, int most)
    {
        if (Array.FindIndex(values, value => value < least || value > most) is var bad and >= 0)
            throw new InputException($"Quantized tensor: {what} {bad} is {values[bad]}, expected {least} to {most}.");
    }

    private static void RequireCount(string what, long found, long expected)
    {
        if (found != expected)
            throw new InputException($"Quantized tensor: found {found} {what}, expected {expected}.");
    }
}
