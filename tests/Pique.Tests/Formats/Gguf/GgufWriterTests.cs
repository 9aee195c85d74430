using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Pique.Formats.Gguf;

namespace Pique.Tests.Formats.Gguf;

public sealed class GgufWriterTests : IDisposable
{
    private static readonly string Zeros = new('0', 64);

    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.File("model.gguf");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_bytes_are_those_of_the_format()
    {
        GgufMetadata metadata = new();
        metadata.Add("general.name", "é");
        GgufWriter.Write(FilePath, metadata, [new("a", [1, 2], GgufTensorType.F32, stream => stream.Write([0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]))]);

        string tensorDigest = Convert.ToHexStringLower(SHA256.HashData([0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0]));
        byte[] header = Padded([
            .. "GGUF"u8, .. U32(3), .. U64(1), .. U64(3),
            .. Text("general.name"), .. U32(8), .. Text("é"),
            .. Text("pique.tensor_sha256"), .. U32(9), .. U32(8), .. U64(1), .. Text(tensorDigest),
            .. Text("pique.header_sha256"), .. U32(8), .. Text(Zeros),
            .. Text("a"), .. U32(2), .. U64(2), .. U64(1), .. U32(0), .. U64(0),
        ]);
        string headerDigest = Convert.ToHexStringLower(SHA256.HashData(header));
        Encoding.ASCII.GetBytes(headerDigest).CopyTo(header.AsSpan(header.AsSpan().IndexOf(Encoding.ASCII.GetBytes(Zeros))));
        Assert.Equal([.. header, .. Padded([0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0])], File.ReadAllBytes(FilePath));
    }

    [Fact]
    public void Every_type_of_value_comes_back()
    {
        GgufMetadata written = new();
        written.Add("u8", GgufValue.Of(byte.MaxValue));
        written.Add("i8", GgufValue.Of(sbyte.MinValue));
        written.Add("u16", GgufValue.Of(ushort.MaxValue));
        written.Add("i16", GgufValue.Of(short.MinValue));
        written.Add("u32", uint.MaxValue);
        written.Add("i32", int.MinValue);
        written.Add("u64", ulong.MaxValue);
        written.Add("i64", GgufValue.Of(long.MinValue));
        written.Add("f32", 1.5f);
        written.Add("f64", GgufValue.Of(Math.PI));
        written.Add("yes", true);
        written.Add("no", false);
        written.Add("text", "Größe ▁\0\n🙂");
        written.Add("nothing", "");
        written.Add("a.u8", GgufValue.Of((IReadOnlyList<byte>)[0, 255]));
        written.Add("a.i8", GgufValue.Of((IReadOnlyList<sbyte>)[-128, 127]));
        written.Add("a.u16", GgufValue.Of((IReadOnlyList<ushort>)[0, ushort.MaxValue]));
        written.Add("a.i16", GgufValue.Of((IReadOnlyList<short>)[short.MinValue, 1]));
        written.Add("a.u32", GgufValue.Of((IReadOnlyList<uint>)[0, uint.MaxValue]));
        written.Add("a.i32", (IReadOnlyList<int>)[int.MinValue, int.MaxValue]);
        written.Add("a.u64", GgufValue.Of((IReadOnlyList<ulong>)[ulong.MaxValue]));
        written.Add("a.i64", GgufValue.Of((IReadOnlyList<long>)[long.MinValue]));
        written.Add("a.f32", (IReadOnlyList<float>)[float.NaN, -0f, float.Epsilon]);
        written.Add("a.f64", GgufValue.Of((IReadOnlyList<double>)[double.MinValue]));
        written.Add("a.bool", (IReadOnlyList<bool>)[true, false, true]);
        written.Add("a.text", (IReadOnlyList<string>)["", "x", "▁"]);
        written.Add("a.empty", (IReadOnlyList<string>)[]);
        GgufValue inner = GgufValue.Of((IReadOnlyList<GgufValue>)[GgufValue.Of((IReadOnlyList<int>)[1, 2]), GgufValue.Of((IReadOnlyList<string>)["y"])]);
        written.Add("a.a", GgufValue.Of((IReadOnlyList<GgufValue>)[inner, GgufValue.Of((IReadOnlyList<GgufValue>)[])]));
        GgufWriter.Write(FilePath, written, []);

        using GgufFile file = GgufFile.Open(FilePath);

        Assert.Equal([.. written.Select(pair => pair.Key), "pique.tensor_sha256", "pique.header_sha256"], file.Metadata.Select(pair => pair.Key));
        Assert.All(written, pair => AssertEqual(pair.Value, file.Metadata.Find(pair.Key)!));
        Assert.Equal([1, 2], file.Metadata.Find("a.a")!.Arrays![0].Arrays![0].Integers);
    }

    [Theory]
    [MemberData(nameof(GgufFileTests.Types), MemberType = typeof(GgufFileTests))]
    public void Every_type_of_tensor_comes_back(GgufTensorType type)
    {
        byte[] blocks = GgufFileTests.RandomBlocks(type, blockCount: 4, seed: 5);
        GgufWriter.Write(FilePath, new GgufMetadata(), [new("w", [2, 1, 2 * type.BlockWeights()], type, stream => stream.Write(blocks))]);

        using GgufFile file = GgufFile.Open(FilePath);

        byte[] stored = new byte[blocks.Length];
        file.ReadBytes("w", 0, stored);
        Assert.Equal(type, file["w"].Type);
        Assert.Equal(blocks, stored);
        Assert.Equal([2L, 1L, 2L * type.BlockWeights()], file["w"].Shape);
    }

    [Fact]
    public void Whatever_is_written_is_read_back() =>
        Gen.Select(Gen.Enum<GgufTensorType>(), Gen.Long[1, 4].Array[0, 3], Gen.Long[1, 3], Gen.Int)
            .Array[0, 6]
            .Select(Gen.Int[0, 8])
            .Sample(
                (tensors, alignmentBits) =>
                {
                    (GgufTensorEntry Entry, byte[] Content)[] entries = [.. tensors.Select((tensor, index) => Entry($"t.{index}", tensor.Item1, [.. tensor.Item2, tensor.Item3 * tensor.Item1.BlockWeights()], tensor.Item4))];
                    GgufMetadata metadata = new();
                    metadata.Add("general.alignment", 1u << alignmentBits);
                    GgufWriter.Write(FilePath, metadata, [.. entries.Select(entry => entry.Entry)]);
                    using GgufFile file = GgufFile.Open(FilePath);
                    Assert.Equal(entries.Select(entry => entry.Entry.Name), file.Tensors.Select(tensor => tensor.Name));
                    foreach ((GgufTensorEntry entry, byte[] content) in entries)
                    {
                        byte[] stored = new byte[content.Length];
                        file.ReadBytes(entry.Name, 0, stored);
                        Assert.Equal(content, stored);
                        Assert.Equal(entry.Shape, file[entry.Name].Shape);
                    }
                },
                iter: 200,
                threads: 1);

    [Fact]
    public void Digests_are_those_of_the_tensors_and_of_the_header()
    {
        (GgufTensorEntry a, byte[] aBytes) = Entry("a", GgufTensorType.Q4_0, [3, 32], 1);
        (GgufTensorEntry b, byte[] bBytes) = Entry("b", GgufTensorType.F16, [5], 2);
        GgufWriter.Write(FilePath, new GgufMetadata(), [a, b]);

        using GgufFile file = GgufFile.Open(FilePath);

        Assert.Equal([Hex(aBytes), Hex(bBytes)], file.Metadata.TextsOrNull("pique.tensor_sha256"));
        byte[] header = File.ReadAllBytes(FilePath)[..(int)file.HeaderBytes];
        string recorded = file.Metadata.Text("pique.header_sha256");
        Encoding.ASCII.GetBytes(Zeros).CopyTo(header.AsSpan(header.AsSpan().IndexOf(Encoding.ASCII.GetBytes(recorded))));
        Assert.Equal(Hex(header), recorded);
    }

    [Fact]
    public void Equal_input_gives_equal_bytes()
    {
        Write(FilePath);
        Write(_folder.File("again.gguf"));

        Assert.Equal(File.ReadAllBytes(FilePath), File.ReadAllBytes(_folder.File("again.gguf")));

        static void Write(string path)
        {
            GgufMetadata metadata = new();
            metadata.Add("x.texts", (IReadOnlyList<string>)["b", "a"]);
            metadata.Add("x.flag", true);
            GgufWriter.Write(path, metadata, [Entry("b", GgufTensorType.Q3_K, [2, 256], 7).Entry, Entry("a", GgufTensorType.BF16, [3], 8).Entry]);
        }
    }

    [Fact]
    public void A_failure_midway_keeps_the_old_file_and_leaves_nothing_behind()
    {
        File.WriteAllText(FilePath, "old");
        GgufTensorEntry good = Entry("a", GgufTensorType.F32, [4], 1).Entry;

        Assert.Throws<FormatException>(() => GgufWriter.Write(FilePath, new GgufMetadata(), [good, new("b", [4], GgufTensorType.F32, _ => throw new FormatException())]));
        Assert.Equal(
            $"{FilePath}: writing failed (No space left on device); check the free space and the permissions of the disk",
            Assert.Throws<RunFailedException>(() => GgufWriter.Write(FilePath, new GgufMetadata(), [good, new("b", [4], GgufTensorType.F32, _ => throw new IOException("No space left on device"))])).Message);
        Assert.Equal(
            "tensor \"b\" wrote 15 bytes, expected 16 for F32 of shape [4]",
            Assert.Throws<InvalidOperationException>(() => GgufWriter.Write(FilePath, new GgufMetadata(), [good, new("b", [4], GgufTensorType.F32, stream => stream.Write(new byte[15]))])).Message);

        Assert.Equal("old", File.ReadAllText(FilePath));
        Assert.Equal([FilePath], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_missing_folder_and_a_folder_are_refused()
    {
        string below = Path.Combine(_folder.Path, "missing", "model.gguf");

        Assert.StartsWith($"{below}: cannot be written (", Assert.Throws<InputException>(() => GgufWriter.Write(below, new GgufMetadata(), [])).Message, StringComparison.Ordinal);
        Assert.Equal(
            $"{_folder.Path}: is a folder where a file is to be written; name a file",
            Assert.Throws<InputException>(() => GgufWriter.Write(_folder.Path, new GgufMetadata(), [])).Message);
    }

    [Theory]
    [InlineData("", "the name of tensor \"\" is empty")]
    [InlineData("a/b", "the name of tensor \"a/b\" has a path separator")]
    [InlineData("a\\b", "the name of tensor \"a\\b\" has a path separator")]
    [InlineData("a\nb", "the name of tensor \"a\nb\" has a control character")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123", "the name of tensor \"0123456789012345678901234567890123456789012345678901234567890123\" has 64 bytes, ggml reads at most 63")]
    [InlineData("twice", "tensor name \"twice\" is given twice; names are unique")]
    public void Names_that_no_reader_accepts_are_refused(string name, string expected)
    {
        GgufTensorEntry entry = Entry(name, GgufTensorType.F32, [1], 1).Entry;

        ArgumentException failure = Assert.Throws<ArgumentException>(() => GgufWriter.Write(FilePath, new GgufMetadata(), name == "twice" ? [entry, entry] : [entry]));

        Assert.Equal($"{expected} (Parameter 'entries')", failure.Message);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Theory]
    [InlineData("", "key \"\" has 0 characters, expected 1 to 65535")]
    [InlineData("größe", "key \"größe\" has characters other than printable ASCII")]
    [InlineData("pique.tensor_sha256", "key \"pique.tensor_sha256\" is reserved: the writer adds it")]
    [InlineData("pique.header_sha256", "key \"pique.header_sha256\" is reserved: the writer adds it")]
    [InlineData("general.alignment", "general.alignment is not a UInt32 power of two up to 1048576")]
    public void Keys_that_no_reader_accepts_are_refused(string key, string expected)
    {
        GgufMetadata metadata = new();
        metadata.Add(key, 3u);

        ArgumentException failure = Assert.Throws<ArgumentException>(() => GgufWriter.Write(FilePath, metadata, []));

        Assert.Equal($"{expected} (Parameter 'metadata')", failure.Message);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void Shapes_that_no_reader_accepts_are_refused()
    {
        Assert.Equal("tensor \"w\" has 5 dimensions, GGUF allows 4 (Parameter 'entries')", Refusal([1, 1, 1, 1, 32], GgufTensorType.F32));
        Assert.Equal("shape [] has no elements, expected sizes of at least 1 (Parameter 'shape')", Refusal([], GgufTensorType.F32));
        Assert.Equal("shape [0, 32] has no elements, expected sizes of at least 1 (Parameter 'shape')", Refusal([0, 32], GgufTensorType.F32));
        Assert.Equal("rows of 33 weights are no multiple of the 32 of a Q4_0 block (Parameter 'shape')", Refusal([2, 33], GgufTensorType.Q4_0));
        Assert.Empty(Directory.GetFiles(_folder.Path));

        string Refusal(long[] shape, GgufTensorType type) => Assert.Throws<ArgumentException>(() => GgufWriter.Write(FilePath, new GgufMetadata(), [new("w", shape, type, _ => { })])).Message;
    }

    [Fact]
    public void Half_a_surrogate_pair_is_refused()
    {
        GgufMetadata metadata = new();
        metadata.Add("text", "\ud800");

        Assert.Throws<EncoderFallbackException>(() => GgufWriter.Write(FilePath, metadata, []));
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    private static (GgufTensorEntry Entry, byte[] Content) Entry(string name, GgufTensorType type, long[] shape, int seed)
    {
        byte[] content = new byte[type.ByteCount(shape)];
        new Random(seed).NextBytes(content);
        return (new GgufTensorEntry(name, shape, type, stream => stream.Write(content)), content);
    }

    private static void AssertEqual(GgufValue expected, GgufValue found)
    {
        Assert.Equal((expected.Type, expected.ElementType, expected.Count), (found.Type, found.ElementType, found.Count));
        if (expected.Arrays is { } arrays)
            Assert.All(arrays.Zip(found.Arrays!), pair => AssertEqual(pair.First, pair.Second));
        else
            Assert.Equal(expected.Content, found.Content);
    }

    private static byte[] Padded(byte[] bytes) => [.. bytes, .. new byte[(32 - (bytes.Length % 32)) % 32]];

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static byte[] U32(uint number)
    {
        byte[] bytes = new byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, number);
        return bytes;
    }

    private static byte[] U64(ulong number)
    {
        byte[] bytes = new byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, number);
        return bytes;
    }

    private static byte[] Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return [.. U64((ulong)bytes.Length), .. bytes];
    }
}
