using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Pique.Formats.Gguf;
using Pique.Interop.Tests.Fixture;

namespace Pique.Interop.Tests.Formats.Gguf;

public sealed class GgufBlocksTests(LlamaCpp llamaCpp)
{
    private const int PieceBlocks = 4096;

    /// <summary>Every finite float16, in order.</summary>
    private static readonly ushort[] FiniteHalves = [.. Enumerable.Range(0, 1 << 16).Select(bits => (ushort)bits).Where(bits => Half.IsFinite(BitConverter.UInt16BitsToHalf(bits)))];

    /// <summary>Every type of blocks, and where its float16 scales stand.</summary>
    public static TheoryData<GgufTensorType, int[]> BlockTypes => new()
    {
        { GgufTensorType.Q1_0, [0] },
        { GgufTensorType.Q2_0, [0] },
        { GgufTensorType.TQ1_0, [52] },
        { GgufTensorType.TQ2_0, [64] },
        { GgufTensorType.Q4_0, [0] },
        { GgufTensorType.Q4_1, [0, 2] },
        { GgufTensorType.Q5_0, [0] },
        { GgufTensorType.Q5_1, [0, 2] },
        { GgufTensorType.Q8_0, [0] },
        { GgufTensorType.Q2_K, [80, 82] },
        { GgufTensorType.Q3_K, [108] },
        { GgufTensorType.Q4_K, [0, 2] },
        { GgufTensorType.Q5_K, [0, 2] },
        { GgufTensorType.Q6_K, [208] },
    };

    [Fact]
    public void Every_type_is_compared() =>
        Assert.Equal(
            Enum.GetValues<GgufTensorType>().Except([GgufTensorType.F32, GgufTensorType.F16, GgufTensorType.BF16]).Order(),
            BlockTypes.Select(row => row.Data.Item1).Order());

    [Theory]
    [MemberData(nameof(BlockTypes))]
    public void Blocks_of_random_codes_and_every_finite_scale_read_as_ggml_reads_them(GgufTensorType type, int[] scaleOffsets)
    {
        Random random = new((int)type);
        foreach (ushort[] scales in FiniteHalves.Chunk(PieceBlocks))
        {
            byte[] blocks = new byte[scales.Length * type.BlockBytes()];
            random.NextBytes(blocks);
            for (int i = 0; i < scales.Length; i++)
            {
                Span<byte> block = blocks.AsSpan(i * type.BlockBytes(), type.BlockBytes());
                BinaryPrimitives.WriteUInt16LittleEndian(block[scaleOffsets[0]..], scales[i]);
                foreach (int offset in scaleOffsets.Skip(1))
                    BinaryPrimitives.WriteUInt16LittleEndian(block[offset..], FiniteHalves[random.Next(FiniteHalves.Length)]);
            }

            AssertReadsAsGgml(type, blocks);
        }
    }

    [Fact]
    public void Every_finite_float16_reads_as_ggml_reads_it() => AssertReadsAsGgml(GgufTensorType.F16, MemoryMarshal.AsBytes(FiniteHalves.AsSpan()));

    [Fact]
    public void Every_finite_bfloat16_reads_as_ggml_reads_it()
    {
        ushort[] finite = [.. Enumerable.Range(0, 1 << 16).Where(bits => float.IsFinite(BitConverter.Int32BitsToSingle(bits << 16))).Select(bits => (ushort)bits)];
        AssertReadsAsGgml(GgufTensorType.BF16, MemoryMarshal.AsBytes(finite.AsSpan()));
    }

    private void AssertReadsAsGgml(GgufTensorType type, ReadOnlySpan<byte> blocks)
    {
        float[] expected = new float[blocks.Length / type.BlockBytes() * type.BlockWeights()];
        float[] found = new float[expected.Length];
        llamaCpp.Blocks.Dequantize(type, blocks, expected);
        GgufBlocks.Dequantize(type, blocks, found);
        int difference = MemoryMarshal.AsBytes(expected.AsSpan()).CommonPrefixLength(MemoryMarshal.AsBytes(found.AsSpan())) / sizeof(float);
        if (difference < found.Length)
        {
            int block = difference / type.BlockWeights();
            Assert.Fail($"{type}: weight {difference % type.BlockWeights()} is {found[difference]:R}, ggml reads {expected[difference]:R}; the block is {Convert.ToHexString(blocks.Slice(block * type.BlockBytes(), type.BlockBytes()))}");
        }
    }
}
