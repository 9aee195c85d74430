using Pique.Formats.Gguf;
using Pique.Tests.Formats.Hostile;
using static Pique.Tests.Formats.Hostile.GgufBytes;

namespace Pique.Tests.Formats.Gguf;

/// <summary>Reading; what is refused is in <see cref="HostileGguf"/> where it is small, else in <see cref="GgufRefusalTests"/>.</summary>
public sealed class GgufFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.File("model.gguf");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public void A_file_laid_out_by_hand_is_read(int version)
    {
        // One Q8_0 block per row: float16 scales 1 and 0.5, codes 0…31 and their negatives.
        byte[] first = [0x00, 0x3C, .. Enumerable.Range(0, 32).Select(code => (byte)code)];
        byte[] second = [0x00, 0x38, .. Enumerable.Range(0, 32).Select(code => (byte)(256 - code))];
        byte[] content = [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0, .. new byte[24], .. first, .. second];
        File.WriteAllBytes(FilePath, new GgufBytes { Version = (uint)version, Content = content }
            .Pair("general.architecture", 8, Text("llama"))
            .Pair("x.count", 10, U64(7))
            .Tensor("a", [1, 2], 0, 0)
            .Tensor("b", [32, 2], 8, 32)
            .ToArray());

        using GgufFile file = GgufFile.Open(FilePath);

        Assert.Equal((version, 32, FilePath), (file.Version, file.Alignment, file.Path));
        Assert.Equal(new FileInfo(FilePath).Length, file.FileBytes);
        Assert.Equal("llama", file.Metadata.Text("general.architecture"));
        Assert.Equal(7, file.Metadata.Integer("x.count"));
        Assert.Equal(["a", "b"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([2L, 1L], file["a"].Shape);
        Assert.Equal([2L, 32L], file["b"].Shape);
        Assert.Equal((GgufTensorType.Q8_0, 68, 64), (file["b"].Type, file["b"].ByteCount, file["b"].ElementCount));
        Assert.Equal(file.HeaderBytes + 32, file["b"].Offset);
        Assert.Equal([1f, -2f], Read(file, "a"));
        Assert.Equal(
            [.. Enumerable.Range(0, 32).Select(code => (float)code), .. Enumerable.Range(0, 32).Select(code => -0.5f * code)],
            Read(file, "b").Select(value => value + 0f));
    }

    [Fact]
    public void A_file_without_tensors_may_end_with_its_last_key()
    {
        byte[] padded = new GgufBytes().Pair("k", 0, [1]).ToArray();
        File.WriteAllBytes(FilePath, padded[..38]);
        using (GgufFile file = GgufFile.Open(FilePath))
            Assert.Equal((0, 38L, 1L), (file.Tensors.Count, file.HeaderBytes, file.Metadata.Integer("k")));

        File.WriteAllBytes(FilePath, padded);
        using GgufFile whole = GgufFile.Open(FilePath);
        Assert.Equal(64, whole.HeaderBytes);
    }

    [Fact]
    public void The_last_tensor_need_not_be_padded()
    {
        byte[] padded = HostileGguf.Valid();
        File.WriteAllBytes(FilePath, padded[..^28]);

        using GgufFile file = GgufFile.Open(FilePath);

        Assert.Equal(file.FileBytes, file["b"].Offset + file["b"].ByteCount);
        Assert.Equal(64f / 2, Read(file, "b")[^1]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(8)]
    [InlineData(64)]
    [InlineData(1 << 20)]
    public void Tensors_start_at_multiples_of_the_alignment(int alignment)
    {
        GgufMetadata metadata = new();
        metadata.Add("general.alignment", (uint)alignment);
        GgufWriter.Write(FilePath, metadata, [Floats("a", 1, 2, 3), Floats("b", 4)]);

        using GgufFile file = GgufFile.Open(FilePath);

        Assert.Equal(alignment, file.Alignment);
        Assert.All(file.Tensors, tensor => Assert.Equal(0, tensor.Offset % alignment));
        Assert.Equal(0, file.HeaderBytes % alignment);
        Assert.Equal([1f, 2f, 3f], Read(file, "a"));
        Assert.Equal([4f], Read(file, "b"));
    }

    /// <summary>Blocks of pseudo-random bytes, read whole and in pieces that begin and end anywhere.</summary>
    [Theory]
    [MemberData(nameof(Types))]
    public void Elements_are_read_from_the_middle_of_a_block_and_across_blocks(GgufTensorType type)
    {
        byte[] blocks = RandomBlocks(type, blockCount: 6, seed: 3);
        int columns = 3 * type.BlockWeights();
        GgufWriter.Write(FilePath, new GgufMetadata(), [Floats("before", 1), new("w", [2, columns], type, stream => stream.Write(blocks)), Floats("after", 2)]);
        float[] expected = new float[2 * columns];
        GgufBlocks.Dequantize(type, blocks, expected);

        using GgufFile file = GgufFile.Open(FilePath);

        AssertSameBits(expected, Read(file, "w"));
        foreach ((int first, int count) in new[] { (0, 0), (0, 1), (1, 1), (columns - 1, 2), (1, (2 * columns) - 1), (columns / 2, columns), ((2 * columns) - 1, 1), (2 * columns, 0) })
        {
            float[] part = new float[count];
            file.ReadFloat32("w", first, part);
            AssertSameBits(expected.AsSpan(first, count), part);
        }

        byte[] stored = new byte[blocks.Length - 3];
        file.ReadBytes("w", 2, stored);
        Assert.Equal(blocks[2..^1], stored);
    }

    [Fact]
    public void A_tensor_larger_than_the_buffer_is_read_whole()
    {
        float[] values = [.. Enumerable.Range(0, 200_001).Select(index => index * 0.5f)];
        GgufWriter.Write(FilePath, new GgufMetadata(), [Floats("w", values)]);

        using GgufFile file = GgufFile.Open(FilePath);

        Assert.Equal(values, Read(file, "w"));
    }

    [Fact]
    public void The_file_is_mapped_not_read()
    {
        float[] values = new float[4 << 20];
        GgufWriter.Write(FilePath, new GgufMetadata(), [Floats("w", values)]);

        long before = GC.GetAllocatedBytesForCurrentThread();
        using GgufFile file = GgufFile.Open(FilePath);
        float[] one = new float[1];
        file.ReadFloat32("w", values.Length - 1, one);
        long allocatedBytes = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.InRange(allocatedBytes, 0, 1 << 20);
        Assert.Contains(FilePath, File.ReadAllText("/proc/self/maps"), StringComparison.Ordinal);
    }

    [Fact]
    public void Reading_beyond_a_tensor_is_refused()
    {
        GgufWriter.Write(FilePath, new GgufMetadata(), [Floats("a", 1, 2), Floats("b", 3)]);
        using GgufFile file = GgufFile.Open(FilePath);

        Assert.Throws<ArgumentOutOfRangeException>(() => file.ReadFloat32("a", 1, new float[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.ReadFloat32("a", -1, new float[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.ReadFloat32("a", long.MaxValue, new float[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.ReadBytes("a", 7, new byte[2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.ReadBytes("a", -1, new byte[1]));
        Assert.Equal($"{FilePath}: has no tensor \"c\"; check that the file is the right one", Assert.Throws<InputException>(() => file["c"]).Message);
        Assert.True(file.Contains("a"));
        Assert.False(file.Contains("c"));
    }

    [Fact]
    public void A_published_vocabulary_is_read()
    {
        using GgufFile file = GgufFile.Open(SharedData.PathOrSkip("tokenizers/gpt2/ggml-vocab-gpt-2.gguf"));

        Assert.Empty(file.Tensors);
        Assert.Equal("gpt2", file.Metadata.Text("general.architecture"));
        Assert.Equal(50_257, file.Metadata.TextsOrNull("tokenizer.ggml.tokens")!.Count);
        Assert.Equal("Ġworld", file.Metadata.TextsOrNull("tokenizer.ggml.tokens")![995]);
    }

    public static TheoryData<GgufTensorType> Types => [.. Enum.GetValues<GgufTensorType>()];

    /// <summary>Random blocks without the float16 patterns of NaN, whose bits no conversion promises to keep.</summary>
    internal static byte[] RandomBlocks(GgufTensorType type, int blockCount, int seed)
    {
        byte[] blocks = new byte[blockCount * type.BlockBytes()];
        new Random(seed).NextBytes(blocks);
        for (int index = 0; index < blocks.Length; index++)
            blocks[index] &= 0xBF;
        return blocks;
    }

    private static GgufTensorEntry Floats(string name, params float[] values) =>
        new(name, [values.Length], GgufTensorType.F32, stream => stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan())));

    private static float[] Read(GgufFile file, string name)
    {
        float[] values = new float[file[name].ElementCount];
        file.ReadFloat32(name, 0, values);
        return values;
    }

    private static void AssertSameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> found) => Assert.Equal(
        System.Runtime.InteropServices.MemoryMarshal.Cast<float, int>(expected),
        System.Runtime.InteropServices.MemoryMarshal.Cast<float, int>(found));
}
