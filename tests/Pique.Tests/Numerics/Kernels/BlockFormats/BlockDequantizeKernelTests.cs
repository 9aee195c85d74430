using System.Buffers.Binary;
using CsCheck;
using Pique.Numerics.Kernels;

namespace Pique.Tests.Numerics.Kernels.BlockFormats;

public sealed class BlockDequantizeKernelTests
{
    [Fact]
    public void A_Q4_0_block_reads_low_halves_before_high_ones()
    {
        byte[] block = [.. HalfBytes(0.5f), 0xF0, 0x18, .. Enumerable.Repeat((byte)0x88, 14)];
        float[] expected = new float[32];
        (expected[0], expected[1], expected[16], expected[17]) = (-4f, 0f, 3.5f, -3.5f);
        AssertReads<Q40Blocks>(expected, block);
    }

    [Fact]
    public void A_Q8_0_block_reads_signed_bytes()
    {
        byte[] block = [.. HalfBytes(-0.25f), 0x80, 0x7F, 0x01, .. new byte[28], 0xFF];
        float[] expected = new float[32];
        Array.Fill(expected, -0f);
        (expected[0], expected[1], expected[2], expected[31]) = (32f, -31.75f, -0.25f, 0.25f);
        AssertReads<Q80Blocks>(expected, block);
    }

    [Fact]
    public void A_Q2_K_block_reads_four_planes_of_two_halves()
    {
        byte[] block = new byte[84];
        block[0] = 0x21;                // weights 0–15: scale 1, minimum 2
        block[1] = 0x03;                // weights 16–31: scale 3
        block[15] = 0xF2;               // weights 240–255: scale 2, minimum 15
        block[16] = 0b00_00_00_11;      // weight 0 = 3
        block[16 + 17] = 0b11_00_00_10; // weight 17 = 2, weight 113 = 3 with scale 0
        block[16 + 63] = 0b01_00_00_00; // weight 255 = 1
        HalfBytes(0.5f).CopyTo(block, 80);
        HalfBytes(0.125f).CopyTo(block, 82);
        float[] expected = new float[256];
        Array.Fill(expected, -0.25f, 0, 16);
        Array.Fill(expected, -1.875f, 240, 16);
        (expected[0], expected[17], expected[255]) = (1.25f, 3f, -0.875f);
        AssertReads<Q2KBlocks>(expected, block);
    }

    [Fact]
    public void A_Q3_K_block_reads_its_scattered_scales_and_high_bits()
    {
        byte[] block = new byte[110];
        Array.Fill(block, (byte)0xFF, 0, 32); // all high bits: codes 0 … 3
        block[5] = 0b0111_1111;               // weight 229 = 5 + 32·7: −4 and its low bits
        block[32] = 0b00_00_00_01;            // weight 0 = 1
        block[32 + 16] = 0b11_00_00_10;       // weight 16 = 2, weight 112 = 3
        block[32 + 32 + 5] = 0b10_00_00_00;   // weight 229 = −4 + 2
        block[32 + 63] = 0b01_00_00_00;       // weight 255 = 1
        block[96] = 0x01;                     // scale 0: low half 1; scale 8: 0
        block[97] = 0x02;                     // scale 1: low half 2
        block[96 + 7] = 0x75;                 // scale 7: low half 5; scale 15: low half 7
        block[96 + 6] = 0x90;                 // scale 14: low half 9
        block[104] = 0b00_00_00_10;           // scale 0: 33
        block[105] = 0b00_00_00_11;           // scale 1: 50
        block[106] = 0b11_00_00_00;           // scale 14: 57
        block[107] = 0b10_00_01_00;           // scale 7: 21, scale 15: 39
        HalfBytes(0.5f).CopyTo(block, 108);
        float[] expected = new float[256];
        Array.Fill(expected, -0f);
        foreach (int group in (int[])[0, 1, 14, 15])
            Array.Fill(expected, 0f, 16 * group, 16);
        (expected[0], expected[16], expected[112], expected[229], expected[255]) = (0.5f, 18f, -16.5f, -25f, 3.5f);
        AssertReads<Q3KBlocks>(expected, block);
    }

    [Fact]
    public void Every_form_reads_random_blocks_as_the_reference_does()
    {
        Gen<byte[]> bytes = Gen.Byte.Array[0, 40 * 110];
        bytes.Sample(random => Agrees<Q10Blocks>(random) && Agrees<Q20Blocks>(random) && Agrees<TQ10Blocks>(random) && Agrees<TQ20Blocks>(random)
            && Agrees<Q40Blocks>(random) && Agrees<Q41Blocks>(random) && Agrees<Q50Blocks>(random) && Agrees<Q51Blocks>(random) && Agrees<Q80Blocks>(random)
            && Agrees<Q2KBlocks>(random) && Agrees<Q3KBlocks>(random) && Agrees<Q4KBlocks>(random) && Agrees<Q5KBlocks>(random) && Agrees<Q6KBlocks>(random));
    }

    [Fact]
    public void Stores_past_the_caches_write_the_same()
    {
        byte[] random = new byte[110 * 10_000];
        new Random(1).NextBytes(random);
        byte[] blocks = random[..(84 * 10_000)];
        float[] expected = new float[2_560_000];
        BlockDequantizeKernel.Run<Q2KBlocks>(blocks, expected, KernelForm.Scalar);
        foreach (KernelForm form in PackedSample.Lanes)
        {
            using AlignedFloats output = new(expected.Length);
            BlockDequantizeKernel.Run<Q2KBlocks>(blocks, output.Values, form);
            Assert.True(Bits(expected).SequenceEqual(Bits(output.Values.ToArray())));
        }
    }

    [Fact]
    public void Every_float16_is_read()
    {
        byte[] block = new byte[34];
        block[2] = 1;
        float[] output = new float[32];
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(block, (ushort)bits);
            BlockDequantizeKernel.Run<Q80Blocks>(block, output);
            Assert.Equal(Bits([(float)BitConverter.UInt16BitsToHalf((ushort)bits)]), Bits(output[..1]));
        }
    }

    [Fact]
    public void Lengths_that_do_not_fit_are_refused()
    {
        Assert.Equal("Found 83 bytes of Q2_K, expected a multiple of 84.", Assert.Throws<ArgumentException>(() => BlockDequantizeKernel.Run<Q2KBlocks>(new byte[83], new float[256])).Message);
        Assert.Equal("Found room for 31 weights, expected 32 for 1 blocks of Q4_0.", Assert.Throws<ArgumentException>(() => BlockDequantizeKernel.Run<Q40Blocks>(new byte[18], new float[31])).Message);
    }

    private static void AssertReads<TFormat>(float[] expected, byte[] block) where TFormat : struct, IBlockFormat
    {
        foreach (KernelForm form in Enum.GetValues<KernelForm>())
        {
            float[] output = new float[TFormat.Weights];
            BlockDequantizeKernel.Run<TFormat>(block, output, form);
            Assert.Equal(Bits(expected), Bits(output));
        }
    }

    private static bool Agrees<TFormat>(byte[] random) where TFormat : struct, IBlockFormat
    {
        int count = random.Length / TFormat.Bytes;
        byte[] blocks = random[..(count * TFormat.Bytes)];
        float[] expected = new float[count * TFormat.Weights];
        BlockDequantizeKernel.Run<TFormat>(blocks, expected, KernelForm.Scalar);
        return PackedSample.Lanes.All(form =>
        {
            float[] output = new float[expected.Length];
            BlockDequantizeKernel.Run<TFormat>(blocks, output, form);
            return Bits(expected).SequenceEqual(Bits(output));
        });
    }

    /// <summary>Which of two NaNs a product of both keeps is the processor's choice: all count as one.</summary>
    private static int[] Bits(float[] values) => Array.ConvertAll(values, value => float.IsNaN(value) ? 0x7FC00000 : BitConverter.SingleToInt32Bits(value));

    private static byte[] HalfBytes(float value) => BitConverter.GetBytes((Half)value);
}
