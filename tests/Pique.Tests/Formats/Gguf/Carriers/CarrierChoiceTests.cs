using Pique.Configuration;
using Pique.Formats.Gguf;
using Pique.Formats.Gguf.Carriers;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Tests.Quantization;

namespace Pique.Tests.Formats.Gguf.Carriers;

public sealed class CarrierChoiceTests
{
    private static readonly QuantGranularity PerChannel = new QuantGranularity.PerChannel();
    private static readonly QuantGranularity PerTensor = new QuantGranularity.PerTensor();

    [Theory]
    [InlineData(2, GridKind.TwosComplement, 256, GgufTensorType.Q2_K)]
    [InlineData(2, GridKind.TwosComplement, 192, GgufTensorType.Q2_0)]
    [InlineData(2, GridKind.TwosComplement, 96, GgufTensorType.Q4_0)]
    [InlineData(2, GridKind.HalfInteger, 512, GgufTensorType.Q2_K)]
    [InlineData(2, GridKind.HalfInteger, 192, GgufTensorType.Q4_0)]
    [InlineData(2, GridKind.Affine, 256, GgufTensorType.Q2_K)]
    [InlineData(3, GridKind.TwosComplement, 256, GgufTensorType.Q3_K)]
    [InlineData(3, GridKind.TwosComplement, 384, GgufTensorType.Q4_0)]
    [InlineData(3, GridKind.HalfInteger, 256, GgufTensorType.Q4_0)]
    [InlineData(4, GridKind.TwosComplement, 256, GgufTensorType.Q4_0)]
    [InlineData(4, GridKind.HalfInteger, 256, GgufTensorType.Q4_K)]
    [InlineData(4, GridKind.HalfInteger, 96, GgufTensorType.Q5_0)]
    [InlineData(5, GridKind.TwosComplement, 64, GgufTensorType.Q5_0)]
    [InlineData(8, GridKind.TwosComplement, 64, GgufTensorType.Q8_0)]
    public void A_scale_a_row_takes_the_most_compact_type(int bits, GridKind kind, int columns, GgufTensorType expected)
    {
        Assert.Equal(expected, Choose(bits, kind, PerChannel, columns));
        Assert.Equal(expected, Choose(bits, kind, PerTensor, columns));
        Assert.Equal(expected, Choose(bits, kind, new QuantGranularity.PerToken(), columns));
    }

    [Theory]
    [InlineData(2, 64, 256, GgufTensorType.Q2_0)]
    [InlineData(2, 128, 256, GgufTensorType.Q2_0)]
    [InlineData(2, 256, 512, GgufTensorType.Q2_K)]
    [InlineData(2, 32, 256, GgufTensorType.Q4_0)]
    [InlineData(3, 32, 256, GgufTensorType.Q4_0)]
    [InlineData(3, 256, 512, GgufTensorType.Q3_K)]
    [InlineData(4, 32, 96, GgufTensorType.Q4_0)]
    [InlineData(5, 32, 256, GgufTensorType.Q5_0)]
    [InlineData(8, 32, 256, GgufTensorType.Q8_0)]
    public void A_scale_a_block_takes_the_most_compact_type(int bits, int blockSize, int columns, GgufTensorType expected) =>
        Assert.Equal(expected, Choose(bits, GridKind.TwosComplement, new QuantGranularity.PerBlock(blockSize), columns));

    [Theory]
    [InlineData(2, 16, GgufTensorType.Q2_K)]
    [InlineData(2, 32, GgufTensorType.Q2_K)]
    [InlineData(3, 16, GgufTensorType.Q3_K)]
    [InlineData(3, 32, GgufTensorType.Q3_K)]
    [InlineData(4, 32, GgufTensorType.Q4_K)]
    [InlineData(5, 32, GgufTensorType.Q5_K)]
    public void Scales_in_two_levels_take_the_K_quant_of_their_bits(int bits, int blockSize, GgufTensorType expected) =>
        Assert.Equal(expected, Choose(bits, GridKind.TwosComplement, new QuantGranularity.PerBlock(blockSize), 512, twoLevels: true));

    [Fact]
    public void Two_levels_in_rows_that_no_K_quant_divides_are_multiples_of_the_super_scale() =>
        Assert.Equal(GgufTensorType.Q8_0, Choose(2, GridKind.TwosComplement, new QuantGranularity.PerBlock(32), 288, twoLevels: true));

    [Theory]
    [InlineData(3, GridKind.TwosComplement, 172)]
    [InlineData(8, GridKind.HalfInteger, 256)]
    public void What_no_type_holds_gets_none(int bits, GridKind kind, int columns) => Assert.Null(Choose(bits, kind, PerChannel, columns));

    [Fact]
    public void Blocks_across_those_of_the_type_get_none() =>
        Assert.Null(Choose(4, GridKind.TwosComplement, new QuantGranularity.PerBlock(48), 96));

    [Theory]
    [InlineData(GgufTensorType.TQ1_0)]
    [InlineData(GgufTensorType.TQ2_0)]
    public void Ternary_types_hold_what_keeps_to_three_levels(GgufTensorType type)
    {
        QuantizedTensor ternary = Tensor(new CodeGrid(2, GridKind.TwosComplement), PerChannel, 3, 512, leastCode: 1);
        Assert.True(CarrierEncoder.Holds(ternary, CarrierChoice.Of(type)!));
        Assert.Equal(GgufTensorType.Q2_K, CarrierChoice.For(ternary)!.Type);
        QuantizedTensor quaternary = Tensor(new CodeGrid(2, GridKind.TwosComplement), PerChannel, 3, 512);
        Assert.False(CarrierEncoder.Holds(quaternary, CarrierChoice.Of(type)!));
    }

    [Fact]
    public void One_bit_holds_what_keeps_to_two_levels()
    {
        QuantizedTensor binary = Tensor(new CodeGrid(2, GridKind.HalfInteger), PerChannel, 3, 256, leastCode: 1, mostCode: 2);
        Assert.True(CarrierEncoder.Holds(binary, CarrierChoice.Of(GgufTensorType.Q1_0)!));
        QuantizedTensor ternary = Tensor(new CodeGrid(2, GridKind.TwosComplement), PerChannel, 3, 256, leastCode: 1);
        Assert.False(CarrierEncoder.Holds(ternary, CarrierChoice.Of(GgufTensorType.Q1_0)!));
    }

    [Fact]
    public void Every_type_that_says_it_holds_a_weight_reads_back_as_it()
    {
        int held = 0;
        foreach (CodeGrid grid in from bits in new[] { 2, 3, 4, 5, 8 } from kind in Enum.GetValues<GridKind>() select new CodeGrid(bits, kind))
        {
            foreach ((QuantGranularity granularity, bool twoLevels) in Granularities(grid.Bits))
            {
                QuantizedTensor tensor = QuantizedTensorCases.Create(grid, granularity, 3, 512, twoLevels);
                foreach (Carrier carrier in Enum.GetValues<GgufTensorType>().Select(CarrierChoice.Of).OfType<Carrier>())
                {
                    if (!CarrierEncoder.Holds(tensor, carrier))
                        continue;
                    held++;
                    AssertReadsBack(tensor, carrier);
                }
            }
        }

        Assert.True(held > 50, $"only {held} combinations were held");
    }

    /// <summary>Reads the blocks through the file, apart from the encoder's own check.</summary>
    private static void AssertReadsBack(QuantizedTensor tensor, Carrier carrier)
    {
        CarrierEncoder encoder = new(tensor, carrier);
        float[] expected = tensor.DequantizeToArray();
        for (int row = 0; row < tensor.Rows; row++)
        {
            Assert.True(encoder.TryEncode(row));
            float[] found = new float[tensor.Columns];
            GgufBlocks.Dequantize(carrier.Type, encoder.Blocks, found);
            for (int column = 0; column < found.Length; column++)
                Assert.True(expected[(row * tensor.Columns) + column] == found[column], $"{carrier.Type} of {tensor.Grid} {tensor.Granularity} at {row}, {column}");
        }
    }

    private static IEnumerable<(QuantGranularity Granularity, bool TwoLevels)> Granularities(int bits)
    {
        foreach (QuantGranularity granularity in (QuantGranularity[])[PerTensor, PerChannel, new QuantGranularity.PerBlock(16), new QuantGranularity.PerBlock(32), new QuantGranularity.PerBlock(64), new QuantGranularity.PerBlock(100)])
            yield return (granularity, false);
        foreach (int blockSize in new[] { 16, 32 }.Where(blockSize => TwoLevelScale.Exists(bits, blockSize)))
            yield return (new QuantGranularity.PerBlock(blockSize), true);
    }

    private static GgufTensorType? Choose(int bits, GridKind kind, QuantGranularity granularity, int columns, bool twoLevels = false) =>
        CarrierChoice.For(Tensor(new CodeGrid(bits, kind), granularity, 3, columns, twoLevels: twoLevels))?.Type;

    /// <summary>A matrix that uses all its codes, with scales such as weights have.</summary>
    private static QuantizedTensor Tensor(CodeGrid grid, QuantGranularity granularity, int rows, int columns, int leastCode = 0, int? mostCode = null, bool twoLevels = false)
    {
        SplitMix64 random = SplitMix64.ForStream(rows, columns, grid.Bits);
        GroupLayout layout = GroupLayout.For(granularity, rows, columns);
        int rowBytes = (int)BitPacking.RowBytes(columns, grid.Bits);
        byte[] packed = new byte[rows * rowBytes];
        for (int row = 0; row < rows; row++)
        {
            byte[] codes = [.. Enumerable.Range(0, columns).Select(_ => (byte)random.NextInRange(leastCode, mostCode ?? grid.MaxCode))];
            BitPacking.PackRow(codes, grid.Bits, packed.AsSpan(row * rowBytes, rowBytes));
        }

        Half[] scales = [.. Enumerable.Range(0, (int)(twoLevels ? layout.LineCount * TwoLevelScale.SuperScalesPerLine(layout) : layout.GroupCount)).Select(_ => (Half)(0.01f + (0.001f * random.NextInRange(0, 100))))];
        byte[]? subScales = twoLevels ? [.. Enumerable.Range(0, (int)layout.GroupCount).Select(_ => (byte)random.NextInRange(1, TwoLevelScale.LargestMultiplier(grid.Bits)))] : null;
        byte[]? zeroPoints = grid.Symmetric ? null : [.. Enumerable.Range(0, (int)layout.GroupCount).Select(_ => (byte)random.NextInRange(0, grid.MaxCode))];
        return new QuantizedTensor(rows, columns, grid, granularity, packed, scales, zeroPoints, subScales);
    }
}
