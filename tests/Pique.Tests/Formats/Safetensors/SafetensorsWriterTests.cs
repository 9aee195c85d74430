using System.Security.Cryptography;
using System.Text;
using CsCheck;
using Pique.Formats.Safetensors;

namespace Pique.Tests.Formats.Safetensors;

public sealed class SafetensorsWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.File("model.safetensors");

    [Fact]
    public void The_bytes_are_those_of_the_format()
    {
        SafetensorsWriter.Write(
            FilePath,
            [
                SafetensorsEntry.FromBytes("codes", SafetensorsDtype.U8, [3], new byte[] { 1, 2, 3 }),
                SafetensorsEntry.FromBytes("b", SafetensorsDtype.F32, [], new byte[] { 0, 0, 0x80, 0x3F }),
                SafetensorsEntry.FromBytes("a", SafetensorsDtype.F32, [1, 1], new byte[] { 0, 0, 0, 0xC0 }),
            ],
            new Dictionary<string, string> { ["z"] = "1", ["format"] = "pt" });

        string zeros = new('0', 64);
        string tensorDigests = $$"""{\"a\":\"{{Hex(0, 0, 0, 0xC0)}}\",\"b\":\"{{Hex(0, 0, 0x80, 0x3F)}}\",\"codes\":\"{{Hex(1, 2, 3)}}\"}""";
        string header = $$$"""{"__metadata__":{"format":"pt","pique.header_sha256":"{{{zeros}}}","pique.tensor_sha256":"{{{tensorDigests}}}","z":"1"},"a":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[],"data_offsets":[4,8]},"codes":{"dtype":"U8","shape":[3],"data_offsets":[8,11]}}""";
        header = header.PadRight((header.Length + 7) / 8 * 8);
        byte[] length = BitConverter.GetBytes((ulong)header.Length);
        header = header.Replace(zeros, Hex([.. length, .. Encoding.UTF8.GetBytes(header)]), StringComparison.Ordinal);
        byte[] expected = [.. length, .. Encoding.UTF8.GetBytes(header), 0, 0, 0, 0xC0, 0, 0, 0x80, 0x3F, 1, 2, 3];
        Assert.Equal(expected, File.ReadAllBytes(FilePath));
    }

    [Fact]
    public void Equal_entries_in_any_order_give_equal_bytes_whatever_the_names()
    {
        SafetensorsEntry[] entries =
        [
            SafetensorsEntry.FromBytes("größe \"▁\"", SafetensorsDtype.U8, [2], new byte[] { 1, 2 }),
            SafetensorsEntry.FromBytes("a", SafetensorsDtype.I16, [0], Array.Empty<byte>()),
        ];
        SafetensorsWriter.Write(FilePath, entries);
        byte[] first = File.ReadAllBytes(FilePath);
        SafetensorsWriter.Write(FilePath, entries.Reverse());

        Assert.Equal(first, File.ReadAllBytes(FilePath));
    }

    [Fact]
    public void Digests_are_no_part_of_the_callers_metadata()
    {
        SafetensorsWriter.Write(FilePath, [], new Dictionary<string, string> { ["format"] = "pt" });

        using SafetensorsFile file = SafetensorsFile.Open(FilePath);

        Assert.Equal([KeyValuePair.Create("format", "pt")], file.Metadata);
        Assert.Equal(["format", "pique.header_sha256", "pique.tensor_sha256"], file.AllMetadata.Keys);
    }

    [Fact]
    public void Whatever_is_written_is_read_back() =>
        Gen.Select(
                Gen.Enum<SafetensorsDtype>(),
                Gen.Long[0, 5].Array[0, 4],
                Gen.String)
            .Array[0, 6]
            .Sample(
                tensors =>
                {
                    // Lone surrogates have no UTF-8 form, and names have neither control characters nor path separators.
                    SafetensorsEntry[] entries =
                    [
                        .. tensors
                            .Select((tensor, index) => (tensor.Item1, tensor.Item2, Name: $"{index}{Allowed(tensor.Item3)}"))
                            .Select(tensor => SafetensorsEntry.FromBytes(tensor.Name, tensor.Item1, tensor.Item2, Content(tensor.Item1, tensor.Item2, tensor.Name.Length))),
                    ];
                    SafetensorsWriter.Write(FilePath, entries);
                    using SafetensorsFile file = SafetensorsFile.Open(FilePath);
                    Assert.Equal(entries.Length, file.Tensors.Count);
                    foreach (SafetensorsEntry entry in entries)
                    {
                        Assert.Equal(entry.Dtype, file[entry.Name].Dtype);
                        Assert.Equal(entry.Shape, file[entry.Name].Shape);
                        Assert.Equal(Content(entry.Dtype, entry.Shape, entry.Name.Length), file.ReadBytes(entry.Name));
                    }
                },
                iter: 200,
                threads: 1);

    [Fact]
    public void Names_are_unique_and_not_reserved()
    {
        SafetensorsEntry entry = SafetensorsEntry.FromBytes("w", SafetensorsDtype.U8, [0], Array.Empty<byte>());

        Refused("tensor name \"w\" is reserved or given twice; names are unique (Parameter 'entries')", [entry, entry]);
        Refused("tensor name \"__metadata__\" is reserved or given twice; names are unique (Parameter 'entries')", [entry with { Name = "__metadata__" }]);
        Refused("the name of tensor \"a/b\" has a path separator (Parameter 'entries')", [entry with { Name = "a/b" }]);
        Refused("the name of tensor \"a\tb\" has a control character (Parameter 'entries')", [entry with { Name = "a\tb" }]);
        Refused("the name of tensor \"\" is empty (Parameter 'entries')", [entry with { Name = "" }]);
        Refused("tensor \"w\" has shape [-1]; sizes are zero or more (Parameter 'entry')", [entry with { Shape = [-1] }]);
        Refused("metadata key \"pique.tensor_sha256\" is reserved: the writer adds it (Parameter 'metadata')", [entry], "pique.tensor_sha256");
        Refused("metadata key \"pique.header_sha256\" is reserved: the writer adds it (Parameter 'metadata')", [entry], "pique.header_sha256");
        Assert.Empty(Directory.GetFiles(_folder.Path));

        void Refused(string expected, SafetensorsEntry[] entries, string? key = null) => Assert.Equal(
            expected,
            Assert.Throws<ArgumentException>(() => SafetensorsWriter.Write(FilePath, entries, key is null ? null : new Dictionary<string, string> { [key] = "" })).Message);
    }

    [Fact]
    public void Content_of_the_wrong_length_leaves_no_file()
    {
        SafetensorsEntry entry = SafetensorsEntry.FromBytes("w", SafetensorsDtype.F32, [2], new byte[7]);

        InvalidOperationException failure = Assert.Throws<InvalidOperationException>(() => SafetensorsWriter.Write(FilePath, [entry]));

        Assert.Equal("tensor \"w\" wrote 7 bytes, expected 8 for F32 of shape [2]", failure.Message);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    public void Dispose() => _folder.Dispose();

    private static string Allowed(string text) =>
        string.Concat(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Where(letter => !char.IsControl(letter) && letter is not ('/' or '\\')));

    private static string Hex(params byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private static byte[] Content(SafetensorsDtype dtype, IEnumerable<long> shape, int seed)
    {
        byte[] content = new byte[shape.Aggregate(1L, (product, size) => product * size) * dtype.ElementBytes()];
        new Random(seed).NextBytes(content);
        return content;
    }
}
