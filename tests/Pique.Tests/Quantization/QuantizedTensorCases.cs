using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;

namespace Pique.Tests.Quantization;

/// <summary>Quantized weights with seeded parts, of every kind a file must hold.</summary>
internal static class QuantizedTensorCases
{
    private static readonly (int Rows, int Columns)[] Shapes = [(7, 18), (1, 1), (0, 4), (4, 0), (0, 0)];

    /// <summary>Every combination of bits, grid and granularity, with one level of scales and, where a K-quant has them, two; by a name that says which.</summary>
    internal static Dictionary<string, QuantizedTensor> All()
    {
        Dictionary<string, QuantizedTensor> tensors = new(StringComparer.Ordinal);
        foreach (CodeGrid grid in from bits in new[] { 2, 3, 4, 5, 8 } from kind in Enum.GetValues<GridKind>() select new CodeGrid(bits, kind))
        {
            foreach (QuantGranularity granularity in QuantizationCases.Granularities)
            {
                foreach ((int rows, int columns) in Shapes)
                    tensors.Add($"{grid} {granularity} {rows}x{columns}", Create(grid, granularity, rows, columns, piK: rows == 7 ? 4 : null));
            }

            foreach (int blockSize in new[] { 16, 32 }.Where(blockSize => TwoLevelScale.Exists(grid.Bits, blockSize)))
            {
                foreach ((int rows, int columns) in new[] { (3, 600), (2, 256), (1, 33), (0, 64), (2, 0) })
                    tensors.Add($"{grid} two levels of {blockSize} {rows}x{columns}", Create(grid, new QuantGranularity.PerBlock(blockSize), rows, columns, twoLevels: true));
            }
        }

        return tensors;
    }

    internal static QuantizedTensor Create(CodeGrid grid, QuantGranularity granularity, int rows, int columns, bool twoLevels = false, int? piK = null)
    {
        SplitMix64 random = SplitMix64.ForStream(grid.Bits, (int)grid.Kind, rows, columns);
        GroupLayout layout = GroupLayout.For(granularity, rows, columns);
        byte[] codes = new byte[rows * BitPacking.RowBytes(columns, grid.Bits)];
        byte[] row = new byte[columns];
        for (int i = 0; i < rows; i++)
        {
            Fill(row, 0, grid.MaxCode);
            int rowBytes = codes.Length / rows;
            BitPacking.PackRow(row, grid.Bits, codes.AsSpan(i * rowBytes, rowBytes));
        }

        Half[] scales = new Half[twoLevels ? layout.LineCount * TwoLevelScale.SuperScalesPerLine(layout) : layout.GroupCount];
        for (int i = 0; i < scales.Length; i++)
            scales[i] = BitConverter.UInt16BitsToHalf((ushort)random.NextInRange(1, 0x7BFF));
        byte[]? subScales = twoLevels ? new byte[layout.GroupCount] : null;
        Fill(subScales, 1, TwoLevelScale.LargestMultiplier(grid.Bits));
        byte[]? zeroPoints = grid.Symmetric ? null : new byte[layout.GroupCount];
        Fill(zeroPoints, 0, grid.MaxCode);
        return new QuantizedTensor(rows, columns, grid, granularity, codes, scales, zeroPoints, subScales, piK);

        void Fill(byte[]? values, int least, int most)
        {
            for (int i = 0; i < values?.Length; i++)
                values[i] = (byte)random.NextInRange(least, most);
        }
    }

    /// <summary>Asserts that every part of two quantized weights is equal, bit for bit.</summary>
    internal static void AssertEqual(QuantizedTensor expected, QuantizedTensor found)
    {
        Assert.Equal((expected.Rows, expected.Columns, expected.Grid, expected.Granularity, expected.PiK), (found.Rows, found.Columns, found.Grid, found.Granularity, found.PiK));
        Assert.Equal(expected.PackedCodes.ToArray(), found.PackedCodes.ToArray());
        Assert.Equal(expected.Scales.ToArray(), found.Scales.ToArray());
        Assert.Equal(expected.SubScales?.ToArray(), found.SubScales?.ToArray());
        Assert.Equal(expected.ZeroPoints?.ToArray(), found.ZeroPoints?.ToArray());
    }
}
