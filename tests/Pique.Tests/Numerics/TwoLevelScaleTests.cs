using CsCheck;
using Pique.Configuration;
using Pique.Numerics;
using Pique.Numerics.Kernels;
using Pique.Quantization;
using Pique.Tests.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public sealed class TwoLevelScaleTests
{
    private const int Rows = 3;
    private const int Columns = 512;

    [Theory]
    [InlineData(2, 16)]
    [InlineData(2, 32)]
    [InlineData(3, 16)]
    [InlineData(3, 32)]
    public void A_K_quant_holds_the_trained_weights_bit_for_bit(int bits, int blockSize)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = QuantizationCases.Matrix(QuantizationCases.Weights(Rows, Columns, seed: 3), Rows, Columns);
        foreach (SteVariant estimator in new SteVariant[] { new SteVariant.LearnedStepSize(), new SteVariant.Standard() })
        {
            WeightQuantizationSpec spec = new(bits, new QuantGranularity.PerBlock(blockSize), estimator) { TwoLevelScales = true };
            using FakeQuantizer quantizer = FakeQuantizer.Create("layer", spec, weight, ScaleMethod.MinimumError);
            QuantizedTensor packed = quantizer.Quantize(weight);
            float[] trained = quantizer.forward(weight).data<float>().ToArray();

            float[] readBack = new float[Rows * Columns];
            if (bits == 2)
                BlockDequantizeKernel.Run<Q2KBlocks>(Blocks(packed, 84, Q2K), readBack);
            else
                BlockDequantizeKernel.Run<Q3KBlocks>(Blocks(packed, 110, Q3K), readBack);
            Assert.Equal(trained, readBack);
        }
    }

    [Fact]
    public void Scales_in_two_levels_come_back_as_they_were()
    {
        GroupLayout layout = GroupLayout.For(new QuantGranularity.PerBlock(16), 2, 300);
        Gen.Float[1e-6f, 1e3f].Array[(int)layout.GroupCount].Sample(scales =>
        {
            foreach (int bits in new[] { 2, 3 })
            {
                using Tensor given = tensor(scales, layout.ScaleShape);
                using Tensor once = TwoLevelScale.Round(given, layout, bits);
                using Tensor twice = TwoLevelScale.Round(once, layout, bits);
                Assert.Equal(QuantizationCases.Bits(once), QuantizationCases.Bits(twice));
            }
        }, iter: 200, threads: 1);
    }

    [Fact]
    public void The_largest_scale_keeps_its_size_and_the_smallest_stays_above_zero()
    {
        GroupLayout layout = GroupLayout.For(new QuantGranularity.PerBlock(32), 1, 96);
        (Half[] superScales, byte[] multipliers) = TwoLevelScale.Split([0.31f, 0.1f, 1e-9f], layout, 3);
        Assert.Equal((Half)0.01f, Assert.Single(superScales));
        Assert.Equal([31, 10, 1], multipliers);
    }

    [Theory]
    [InlineData(8, 32)]
    [InlineData(4, 16)]
    [InlineData(3, 64)]
    public void What_no_K_quant_holds_is_refused(int bits, int blockSize)
    {
        using Tensor weight = ones(2, 256);
        WeightQuantizationSpec spec = new(bits, new QuantGranularity.PerBlock(blockSize), new SteVariant.Standard()) { TwoLevelScales = true };
        string message = Assert.Throws<InputException>(() => FakeQuantizer.Create("layer", spec, weight, ScaleMethod.AbsMax)).Message;
        Assert.StartsWith($"layer: found two-level scales on the TwosComplement grid at {bits} bits", message, StringComparison.Ordinal);
    }

    private delegate void BlockWriter(ReadOnlySpan<byte> codes, ReadOnlySpan<byte> multipliers, Half superScale, Span<byte> block);

    /// <summary>The K-quant blocks of a tensor, from its codes and scales alone.</summary>
    private static byte[] Blocks(QuantizedTensor packed, int blockBytes, BlockWriter write)
    {
        const int SuperBlock = TwoLevelScale.SuperBlockWeights;
        byte[] blocks = new byte[Rows * Columns / SuperBlock * blockBytes];
        byte[] codes = new byte[Columns];
        int blockSize = (int)packed.Layout.BlockSize;
        Span<byte> multipliers = stackalloc byte[16];
        for (int row = 0, block = 0; row < Rows; row++)
        {
            packed.UnpackRow(row, codes);
            for (int column = 0; column < Columns; column += SuperBlock, block++)
            {
                for (int sixteen = 0; sixteen < 16; sixteen++)
                    multipliers[sixteen] = packed.SubScales!.Value.Span[((row * Columns) + column + (16 * sixteen)) / blockSize];
                write(codes.AsSpan(column, SuperBlock), multipliers, packed.Scales.Span[block], blocks.AsSpan(block * blockBytes, blockBytes));
            }
        }

        return blocks;
    }

    // (code − 2)·d·k = d·k·code − 2d·k: scale k, minimum k, dmin = 2d.
    private static void Q2K(ReadOnlySpan<byte> codes, ReadOnlySpan<byte> multipliers, Half superScale, Span<byte> block)
    {
        for (int sixteen = 0; sixteen < 16; sixteen++)
            block[sixteen] = (byte)(multipliers[sixteen] | (multipliers[sixteen] << 4));
        for (int i = 0; i < codes.Length; i++)
            block[16 + (i / 128 * 32) + (i % 32)] |= (byte)(codes[i] << (i % 128 / 32 * 2));
        BitConverter.TryWriteBytes(block[80..], superScale);
        BitConverter.TryWriteBytes(block[82..], (Half)(2 * (float)superScale));
    }

    // (code − 4)·d·k: six-bit scales k + 32; a set high bit leaves the four in.
    private static void Q3K(ReadOnlySpan<byte> codes, ReadOnlySpan<byte> multipliers, Half superScale, Span<byte> block)
    {
        for (int i = 0; i < codes.Length; i++)
        {
            block[i % 32] |= (byte)((codes[i] >> 2) << (i / 32));
            block[32 + (i / 128 * 32) + (i % 32)] |= (byte)((codes[i] & 3) << (i % 128 / 32 * 2));
        }

        for (int sixteen = 0; sixteen < 16; sixteen++)
        {
            int scale = multipliers[sixteen] + 32;
            block[96 + (sixteen % 8)] |= (byte)((scale & 0xF) << (sixteen / 8 * 4));
            block[104 + (sixteen % 4)] |= (byte)((scale >> 4) << (sixteen / 4 * 2));
        }

        BitConverter.TryWriteBytes(block[108..], superScale);
    }
}
