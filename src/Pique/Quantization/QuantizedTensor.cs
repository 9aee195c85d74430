using Pique.Configuration;
using Pique.Numerics;
using static TorchSharp.torch;

namespace Pique.Quantization;

/// <summary>A quantized weight matrix: packed codes, float16 scales and, on the affine grid, zero points.</summary>
/// <remarks>
/// Codes are packed as <see cref="BitPacking"/> says, every row at a byte of its own. A weight reads back as
/// (code − zeroPoint)·scale, with zero point 2^(bits−1) on the symmetric grid: equal to the fake-quantized weight of the last
/// forward pass, bit for bit.
/// </remarks>
public sealed class QuantizedTensor
{
    private readonly byte[] _packedCodes;
    private readonly Half[] _scales;
    private readonly byte[]? _zeroPoints;

    /// <summary>Takes the parts of a quantized matrix, as a file holds them.</summary>
    /// <param name="rows">Output features.</param>
    /// <param name="columns">Input features.</param>
    /// <param name="bits">Bits a code: 2, 3, 4, 5 or 8.</param>
    /// <param name="granularity">Which weights share a scale.</param>
    /// <param name="packedCodes">Packed codes, rows·⌈columns·bits/8⌉ bytes.</param>
    /// <param name="scales">A scale for every group, line by line.</param>
    /// <param name="zeroPoints">A zero point for every group; null on the symmetric grid.</param>
    /// <param name="piK">k of the pi grid the scales were trained on, for the record; null for the uniform grid.</param>
    /// <exception cref="InputException">A length does not fit the shape, a scale is not finite and positive, or a zero point is out of range.</exception>
    public QuantizedTensor(
        long rows, long columns, int bits, QuantGranularity granularity, byte[] packedCodes, Half[] scales, byte[]? zeroPoints, int? piK = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rows);
        ArgumentOutOfRangeException.ThrowIfNegative(columns);
        if (bits is not (2 or 3 or 4 or 5 or 8))
            throw new InputException($"Quantized tensor: found {bits} bits, expected 2, 3, 4, 5 or 8.");
        Layout = GroupLayout.For(granularity, rows, columns);
        Grid = new CodeGrid(bits, zeroPoints is null);
        RequireCount("bytes of codes", packedCodes.Length, checked(rows * BitPacking.RowBytes(columns, bits)));
        RequireCount("scales", scales.Length, Layout.GroupCount);
        if (zeroPoints is not null)
            RequireCount("zero points", zeroPoints.Length, Layout.GroupCount);
        if (Array.FindIndex(scales, scale => !Half.IsFinite(scale) || scale <= Half.Zero) is var bad and >= 0)
            throw new InputException($"Quantized tensor: scale {bad} is {scales[bad]}, expected a finite number above zero.");
        if (zeroPoints is not null && Array.FindIndex(zeroPoints, zero => zero > Grid.MaxCode) is var high and >= 0)
            throw new InputException($"Quantized tensor: zero point {high} is {zeroPoints[high]}, expected at most {Grid.MaxCode} at {bits} bits.");
        (Granularity, PiK, _packedCodes, _scales, _zeroPoints) = (granularity, piK, packedCodes, scales, zeroPoints);
    }

    /// <summary>Output features.</summary>
    public long Rows => Layout.Rows;

    /// <summary>Input features.</summary>
    public long Columns => Layout.Columns;

    /// <summary>Bits a code.</summary>
    public int Bits => Grid.Bits;

    /// <summary>Whether the grid is two's complement.</summary>
    public bool Symmetric => Grid.Symmetric;

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

    /// <summary>Scales, shape [lines, blocksPerLine] line by line.</summary>
    public ReadOnlyMemory<Half> Scales => _scales;

    /// <summary>Zero points, shape of the scales; null on the symmetric grid.</summary>
    public ReadOnlyMemory<byte>? ZeroPoints => _zeroPoints is { } zeroPoints ? zeroPoints : (ReadOnlyMemory<byte>?)null;

    /// <summary>Bytes of codes, scales and zero points.</summary>
    public long StoredBytes => _packedCodes.LongLength + (2 * _scales.LongLength) + (_zeroPoints?.LongLength ?? 0);

    /// <summary>Bits a weight takes, scales, zero points and row padding included; NaN for a tensor without weights.</summary>
    public double BitsPerWeight => 8.0 * StoredBytes / Layout.WeightCount;

    /// <summary>Packs codes.</summary>
    /// <param name="spec">How the weight was quantized.</param>
    /// <param name="rows">Output features.</param>
    /// <param name="columns">Input features.</param>
    /// <param name="codes">Stored codes row by row, 0 … 2^bits − 1.</param>
    /// <param name="scales">A scale for every group.</param>
    /// <param name="zeroPoints">A zero point for every group; null on the symmetric grid.</param>
    /// <returns>The packed tensor.</returns>
    public static QuantizedTensor Pack(
        WeightQuantizationSpec spec, long rows, long columns, ReadOnlySpan<byte> codes, Half[] scales, byte[]? zeroPoints)
    {
        int rowBytes = checked((int)BitPacking.RowBytes(columns, spec.Bits));
        byte[] packed = new byte[checked(rows * rowBytes)];
        for (int row = 0; row < rows; row++)
            BitPacking.PackRow(codes.Slice(row * (int)columns, (int)columns), spec.Bits, packed.AsSpan(row * rowBytes, rowBytes));
        return new(rows, columns, spec.Bits, spec.Granularity, packed, scales, zeroPoints, spec.PiK);
    }

    /// <summary>Unpacks one row's codes.</summary>
    /// <param name="row">Row, from 0.</param>
    /// <param name="codes">Receives <see cref="Columns"/> stored codes, 0 … 2^bits − 1.</param>
    public void UnpackRow(long row, Span<byte> codes)
    {
        int rowBytes = (int)BitPacking.RowBytes(Columns, Bits);
        BitPacking.UnpackRow(_packedCodes.AsSpan(checked((int)(row * rowBytes)), rowBytes), Bits, codes);
    }

    /// <summary>Reads the weights back.</summary>
    /// <returns>(code − zeroPoint)·scale row by row, rows·columns values.</returns>
    public float[] DequantizeToArray()
    {
        float[] weights = new float[checked(Rows * Columns)];
        byte[] codes = new byte[Columns];
        int index = 0;
        for (long row = 0; row < Rows; row++)
        {
            UnpackRow(row, codes);
            foreach (byte code in codes)
            {
                long group = Layout.GroupOf(index);
                int zeroPoint = _zeroPoints?[group] ?? Grid.SymmetricZeroPoint;
                weights[index++] = ScalarQuantizer.Dequantize(code, (float)_scales[group], zeroPoint);
            }
        }

        return weights;
    }

    /// <summary>Reads the weights back.</summary>
    /// <returns>Shape [rows, columns], float32.</returns>
    public Tensor Dequantize() => tensor(DequantizeToArray(), [Rows, Columns]);

    private static void RequireCount(string what, long found, long expected)
    {
        if (found != expected)
            throw new InputException($"Quantized tensor: found {found} {what}, expected {expected}.");
    }
}
