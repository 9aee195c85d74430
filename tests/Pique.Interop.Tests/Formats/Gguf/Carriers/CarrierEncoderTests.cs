using Pique.Configuration;
using Pique.Formats.Gguf;
using Pique.Formats.Gguf.Carriers;
using Pique.Interop.Tests.Fixture;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Tests.Quantization;

namespace Pique.Interop.Tests.Formats.Gguf.Carriers;

public sealed class CarrierEncoderTests(LlamaCpp llamaCpp)
{
    private const int Rows = 3;
    private const int Columns = 512;

    private static readonly QuantGranularity[] Granularities =
        [new QuantGranularity.PerTensor(), new QuantGranularity.PerChannel(), new QuantGranularity.PerBlock(16), new QuantGranularity.PerBlock(32), new QuantGranularity.PerBlock(64)];

    /// <summary>The invariant of the export: what training saw is what llama.cpp computes with.</summary>
    [Fact]
    public void Ggml_reads_the_blocks_of_every_carrier_as_the_weights_they_were_written_from()
    {
        Dictionary<GgufTensorType, int> held = [];
        foreach (QuantizedTensor tensor in Tensors())
        {
            foreach (Carrier carrier in Enum.GetValues<GgufTensorType>().Select(CarrierChoice.Of).OfType<Carrier>())
            {
                if (!CarrierEncoder.Holds(tensor, carrier))
                    continue;
                held[carrier.Type] = held.GetValueOrDefault(carrier.Type) + 1;
                AssertGgmlReads(tensor, carrier);
            }
        }

        Assert.Equal(CarrierChoice.AllNames.Split(", ").Order(), held.Keys.Select(type => type.Name()).Order());
    }

    /// <summary>Asserts equality of every bit; but a zero may be of either sign, since the sign of its scale may differ.</summary>
    private void AssertGgmlReads(QuantizedTensor tensor, Carrier carrier)
    {
        CarrierEncoder encoder = new(tensor, carrier);
        float[] expected = tensor.DequantizeToArray();
        float[] found = new float[Columns];
        for (int row = 0; row < Rows; row++)
        {
            Assert.True(encoder.TryEncode(row));
            llamaCpp.Blocks.Dequantize(carrier.Type, encoder.Blocks, found);
            for (int column = 0; column < Columns; column++)
                Assert.True(expected[(row * Columns) + column] == found[column], $"{carrier.Type} of {tensor.Grid} {tensor.Granularity} at {row}, {column}: {found[column]:R}, expected {expected[(row * Columns) + column]:R}");
        }
    }

    private static IEnumerable<QuantizedTensor> Tensors()
    {
        foreach (CodeGrid grid in from bits in new[] { 2, 3, 4, 5, 8 } from kind in Enum.GetValues<GridKind>() select new CodeGrid(bits, kind))
        {
            foreach (QuantGranularity granularity in Granularities)
                yield return QuantizedTensorCases.Create(grid, granularity, Rows, Columns);
            foreach (int blockSize in new[] { 16, 32 }.Where(blockSize => TwoLevelScale.Exists(grid.Bits, blockSize)))
                yield return QuantizedTensorCases.Create(grid, new QuantGranularity.PerBlock(blockSize), Rows, Columns, twoLevels: true);
        }

        // What the types of one bit and of ternary codes hold.
        yield return WithCodes(GridKind.HalfInteger, 1, 2);
        yield return WithCodes(GridKind.TwosComplement, 1, 3);
    }

    private static QuantizedTensor WithCodes(GridKind kind, int least, int most)
    {
        SplitMix64 random = new(1);
        CodeGrid grid = new(2, kind);
        byte[] packed = new byte[Rows * BitPacking.RowBytes(Columns, grid.Bits)];
        for (int row = 0; row < Rows; row++)
        {
            byte[] codes = [.. Enumerable.Range(0, Columns).Select(_ => (byte)random.NextInRange(least, most))];
            BitPacking.PackRow(codes, grid.Bits, packed.AsSpan(row * packed.Length / Rows, packed.Length / Rows));
        }

        return new QuantizedTensor(Rows, Columns, grid, new QuantGranularity.PerChannel(), packed, [(Half)0.0123f, (Half)0.5f, (Half)3e-6f]);
    }
}
