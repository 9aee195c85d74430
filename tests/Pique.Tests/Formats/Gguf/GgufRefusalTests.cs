using Pique.Formats.Gguf;
using Pique.Tests.Formats.Hostile;
using static Pique.Tests.Formats.Hostile.GgufBytes;

namespace Pique.Tests.Formats.Gguf;

/// <summary>Refusals that need a file too large to be committed, and those of the metadata's users; all others are in <see cref="HostileGguf"/>.</summary>
public sealed class GgufRefusalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.File("model.gguf");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void More_tensors_than_any_model_has() => Refused(
        new GgufBytes { ClaimedTensors = 262_145, Content = new byte[262_145 * 33] },
        "header: claims 262145 tensors, at most 262144 are read; the file is damaged or made to exhaust memory");

    [Fact]
    public void More_keys_than_any_model_has() => Refused(
        new GgufBytes { ClaimedPairs = 65_537, Content = new byte[65_537 * 14] },
        "header: claims 65537 keys, at most 65536 are read; the file is damaged or made to exhaust memory");

    [Fact]
    public void A_key_longer_than_the_format_allows() => Refused(
        new GgufBytes().Pair(new string('k', 65_536), 0, [1]),
        "key 1 of 1: the key has 65536 bytes, at most 65535 are allowed; the file is damaged, fetch or export it again");

    [Fact]
    public void A_tensor_name_of_a_megabyte() => Refused(
        new GgufBytes().Tensor(new string('n', 1 << 20), [1], 0, 0),
        "tensor 1 of 1: the name has 1048576 bytes, at most 64 are allowed; the file is damaged, fetch or export it again");

    [Fact]
    public void A_long_key_is_named_by_its_beginning() => Refused(
        new GgufBytes().Pair(new string('k', 60_000), 99),
        $"key \"{new string('k', 120)}… (60000 characters)\": value type 99 is unknown, expected 0 to 12; the file is damaged or of a newer format");

    /// <summary>Headers whose every count is true and that need several times their own length of memory.</summary>
    [Theory]
    [InlineData(8u, 8, 6_000_000)] // empty strings
    [InlineData(9u, 12, 4_000_000)] // empty arrays of unsigned bytes
    [InlineData(7u, 1, 120_000_000)] // truth values
    public void A_header_that_takes_more_memory_than_any_model_needs(uint elementType, int elementBytes, int elements)
    {
        using (FileStream stream = File.Create(FilePath))
        {
            stream.Write([.. "GGUF"u8, .. U32(3), .. U64(0), .. U64(1), .. Text("k"), .. U32(9), .. U32(elementType), .. U64((ulong)elements)]);
            stream.SetLength(stream.Length + ((long)elements * elementBytes));
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        InputException failure = Assert.Throws<InputException>(() => GgufFile.Open(FilePath));
        long allocatedBytes = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal($"{FilePath}: key \"k\": the header takes more than 192 MiB of memory up to here; no model needs that much, the file is damaged or made to exhaust memory", failure.Message);
        Assert.InRange(allocatedBytes, 0, 256L << 20);
    }

    [Fact]
    public void A_missing_file_and_a_folder()
    {
        Assert.Equal($"{FilePath}: no such file; check the path", Assert.Throws<InputException>(() => GgufFile.Open(FilePath)).Message);
        Assert.Equal($"{_folder.Path}: is a folder where a file was expected; name a file", Assert.Throws<InputException>(() => GgufFile.Open(_folder.Path)).Message);
    }

    [Fact]
    public void Every_truncation_of_a_good_file()
    {
        byte[] whole = HostileGguf.Valid();
        int end = whole.Length - 28; // The last tensor need not be padded.
        for (int fileBytes = 0; fileBytes < end; fileBytes++)
        {
            File.WriteAllBytes(FilePath, whole[..fileBytes]);
            Assert.Throws<InputException>(() => GgufFile.Open(FilePath));
        }
    }

    [Fact]
    public void Keys_that_are_absent_or_of_another_type()
    {
        File.WriteAllBytes(FilePath, new GgufBytes()
            .Pair("text", 8, Text("x"))
            .Pair("number", 10, U64(ulong.MaxValue))
            .Pair("numbers", 9, [.. U32(4), .. U64(2), .. U32(1), .. U32(uint.MaxValue)])
            .ToArray());
        using GgufFile file = GgufFile.Open(FilePath);
        GgufMetadata metadata = file.Metadata;

        Absent("a string", () => metadata.Text("absent"));
        Absent("an integer", () => metadata.Integer("absent"));
        Absent("a float", () => metadata.Float("absent"));
        Wrong("text", "String", "an integer", () => metadata.Integer("text"));
        Wrong("text", "String", "a float", () => metadata.FloatOrNull("text"));
        Wrong("text", "String", "a truth value", () => metadata.FlagOrNull("text"));
        Wrong("text", "String", "an array of strings", () => metadata.TextsOrNull("text"));
        Wrong("text", "String", "an array of floats", () => metadata.FloatsOrNull("text"));
        Wrong("text", "String", "an array of truth values", () => metadata.FlagsOrNull("text"));
        Wrong("number", "UInt64", "a string", () => metadata.Text("number"));
        Wrong("number", "UInt64", "an integer", () => metadata.Integer("number"));
        Wrong("numbers", "array of UInt32", "an array of 32-bit integers", () => metadata.IntegersOrNull("numbers"));
        Assert.Null(metadata.TextOrNull("absent"));
        Assert.Null(metadata.IntegerOrNull("absent"));
        Assert.Null(metadata.IntegersOrNull("absent"));

        void Absent(string expected, Func<object?> read) =>
            Assert.Equal($"{FilePath}: key \"absent\" is absent, expected {expected}; export the model again", Assert.Throws<InputException>(read).Message);
        void Wrong(string key, string found, string expected, Func<object?> read) =>
            Assert.Equal($"{FilePath}: key \"{key}\" is {found}, expected {expected}; export the model again", Assert.Throws<InputException>(read).Message);
    }

    private void Refused(GgufBytes file, string message)
    {
        File.WriteAllBytes(FilePath, file.ToArray());
        Assert.Equal($"{FilePath}: {message}", Assert.Throws<InputException>(() => GgufFile.Open(FilePath)).Message);
    }
}
