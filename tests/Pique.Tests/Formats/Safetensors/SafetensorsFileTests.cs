using System.Buffers.Binary;
using System.Text;
using Pique.Formats.Safetensors;

namespace Pique.Tests.Formats.Safetensors;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.File("model.safetensors");

    [Fact]
    public void A_file_laid_out_by_hand_is_read()
    {
        Write("""{"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[2],"data_offsets":[8,12]},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}   """,
            [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0, 0x80, 0x3F, 0x40, 0xC0]);

        using SafetensorsFile file = SafetensorsFile.Open(FilePath);

        Assert.Equal(["a", "b"], file.Tensors.Select(tensor => tensor.Name));
        Assert.Equal([1L, 2L], file["a"].Shape);
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal([1f, -2f], file.ReadFloat32("a"));
        Assert.Equal([1f, -3f], file.ReadFloat32("b"));
        Assert.Equal([0x80, 0x3F, 0x40, 0xC0], file.ReadBytes("b"));
        Assert.Null(file.Find("c"));
    }

    [Fact]
    public void Scalars_empty_tensors_and_empty_files_are_read()
    {
        Write("""{"s":{"dtype":"F16","shape":[],"data_offsets":[0,2]},"e":{"dtype":"I64","shape":[3,0,9223372036854775807],"data_offsets":[2,2]}}""", [0, 0x3C]);
        using (SafetensorsFile file = SafetensorsFile.Open(FilePath))
        {
            Assert.Equal([1f], file.ReadFloat32("s"));
            Assert.Equal(0, file["e"].ElementCount);
        }

        Write("{}", []);
        using SafetensorsFile empty = SafetensorsFile.Open(FilePath);
        Assert.Empty(empty.Tensors);
    }

    [Fact]
    public void Elements_are_read_from_the_middle_and_across_buffers()
    {
        ushort[] patterns = [.. Enumerable.Range(0, 100_000).Select(index => (ushort)(index % 0x7F80))];
        byte[] content = new byte[patterns.Length * 2];
        Buffer.BlockCopy(patterns, 0, content, 0, content.Length);
        SafetensorsWriter.Write(FilePath, [SafetensorsEntry.FromBytes("w", SafetensorsDtype.BF16, [100, 1000], content)]);
        float[] read = new float[70_001];

        using SafetensorsFile file = SafetensorsFile.Open(FilePath);
        file.ReadFloat32("w", 12_345, read);

        Assert.Equal(patterns[12_345..82_346].Select(bits => (uint)bits << 16), read.Select(BitConverter.SingleToUInt32Bits));
    }

    [Theory]
    [InlineData(100_000_001ul, "at most 100000000 are allowed; the file is damaged or of another format")]
    [InlineData(1ul << 60, "at most 100000000 are allowed; the file is damaged or of another format")]
    [InlineData(ulong.MaxValue, "at most 100000000 are allowed; the file is damaged or of another format")]
    [InlineData(99_999_999ul, "the file has 2 after the length field; it was cut short, fetch it again")]
    [InlineData(3ul, "the file has 2 after the length field; it was cut short, fetch it again")]
    public void A_lying_header_length_is_refused_before_anything_is_allocated(ulong headerBytes, string expected)
    {
        byte[] content = [.. new byte[8], (byte)'{', (byte)'}'];
        BinaryPrimitives.WriteUInt64LittleEndian(content, headerBytes);
        File.WriteAllBytes(FilePath, content);
        Refusal();

        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Refusal();
        long allocatedBytes = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal($"{FilePath}: the safetensors header claims {headerBytes} bytes, {expected}", message);
        Assert.InRange(allocatedBytes, 0, 100_000);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void A_file_too_short_for_the_length_field_is_refused(int fileBytes)
    {
        File.WriteAllBytes(FilePath, new byte[fileBytes]);

        Assert.Equal($"{FilePath}: has {fileBytes} bytes, a safetensors file has at least 8; fetch it again", Refusal());
    }

    [Theory]
    [InlineData("""[]""")]
    [InlineData(""" {}""")]
    [InlineData("")]
    public void A_header_that_is_no_object_is_refused(string header)
    {
        Write(header, []);

        Assert.Equal($"{FilePath}: the safetensors header does not begin with '{{'; the file is damaged or of another format", Refusal());
    }

    [Theory]
    [InlineData("""{"w":""")]
    [InlineData("""{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}} {}""")]
    [InlineData("""{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},}""")]
    [InlineData("""{"\ud800":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""")]
    public void A_header_that_is_no_strict_json_is_refused(string header)
    {
        Write(header, [1, 2, 3, 4]);

        Assert.StartsWith($"{FilePath}: the safetensors header is no valid JSON (", Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void Text_that_is_no_utf8_is_refused()
    {
        byte[] header = Encoding.Latin1.GetBytes("{\"\u00ff\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}");
        WriteRaw(header, [1, 2, 3, 4]);

        Assert.StartsWith($"{FilePath}: the safetensors header is no valid JSON (", Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"w":3}""", "is described by a number, expected an object with dtype, shape and data_offsets")]
    [InlineData("""{"w":{"shape":[4],"data_offsets":[0,4]}}""", "lacks dtype")]
    [InlineData("""{"w":{"dtype":"U8","data_offsets":[0,4]}}""", "lacks shape")]
    [InlineData("""{"w":{"dtype":"U8","shape":[4]}}""", "lacks data_offsets")]
    [InlineData("""{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"strides":[1]}}""", "has an unknown field \"strides\", expected dtype, shape and data_offsets")]
    [InlineData("""{"w":{"dtype":8,"shape":[4],"data_offsets":[0,4]}}""", "dtype is a number, expected a string")]
    [InlineData("""{"w":{"dtype":"u8","shape":[4],"data_offsets":[0,4]}}""", "dtype \"u8\" is unknown, expected one of BOOL, U8, I8, F8_E5M2, F8_E4M3, I16, U16, F16, BF16, I32, U32, F32, F64, I64, U64")]
    [InlineData("""{"w":{"dtype":"1","shape":[4],"data_offsets":[0,4]}}""", "dtype \"1\" is unknown, expected one of BOOL, U8, I8, F8_E5M2, F8_E4M3, I16, U16, F16, BF16, I32, U32, F32, F64, I64, U64")]
    [InlineData("""{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "is there twice, expected once")]
    [InlineData("""{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"\u0077":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}""", "is there twice, expected once")]
    [InlineData("""{"w":{"dtype":"U8","dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "has dtype twice, expected it once")]
    [InlineData("""{"w":{"dtype":"U8","shape":[[[[[[[[4]]]]]]]],"data_offsets":[0,4]}}""", "shape[0] is an array, expected a whole number from 0 to 9223372036854775807")]
    [InlineData("""{"w":{"dtype":"U8","shape":4,"data_offsets":[0,4]}}""", "shape is a number, expected an array of whole numbers")]
    [InlineData("""{"w":{"dtype":"U8","shape":[-4],"data_offsets":[0,4]}}""", "shape[0] is -4, expected a whole number from 0 to 9223372036854775807")]
    [InlineData("""{"w":{"dtype":"U8","shape":[2,2.5],"data_offsets":[0,4]}}""", "shape[1] is 2.5, expected a whole number from 0 to 9223372036854775807")]
    [InlineData("""{"w":{"dtype":"U8","shape":["4"],"data_offsets":[0,4]}}""", "shape[0] is a string, expected a whole number from 0 to 9223372036854775807")]
    [InlineData("""{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,18446744073709551615]}}""", "data_offsets[1] is 18446744073709551615, expected a whole number from 0 to 9223372036854775807")]
    [InlineData("""{"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4,8]}}""", "data_offsets has 3 numbers, expected 2")]
    [InlineData("""{"w":{"dtype":"U8","shape":[4],"data_offsets":[4,0]}}""", "data_offsets [4, 0] end before they begin")]
    [InlineData("""{"w":{"dtype":"U8","shape":[5],"data_offsets":[0,5]}}""", "data_offsets [0, 5] reach past the file's 4 bytes of data")]
    [InlineData("""{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,4]}}""", "data_offsets [0, 4] span 4 bytes, expected 16 for F32 of shape [4]")]
    [InlineData("""{"w":{"dtype":"F32","shape":[1152921504606846976],"data_offsets":[0,4]}}""", "data_offsets [0, 4] span 4 bytes, expected 4611686018427387904 for F32 of shape [1152921504606846976]")]
    [InlineData("""{"w":{"dtype":"F32","shape":[4294967296,4294967296,4294967296,4294967296],"data_offsets":[0,4]}}""", "shape [4294967296, 4294967296, 4294967296, 4294967296] overflows: it asks for more than 9223372036854775807 bytes")]
    [InlineData("""{"w":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}}""", "shape [4611686018427387905] overflows: it asks for more than 9223372036854775807 bytes")]
    [InlineData("""{"w":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "begins at byte 2 of the data, expected 0: a hole of 2 bytes that belong to no tensor")]
    [InlineData("""{"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"w":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}""", "begins at byte 2 of the data, inside another tensor that ends at 3")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"w":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}""", "begins at byte 0 of the data, inside another tensor that ends at 4")]
    [InlineData("""{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"w":{"dtype":"U8","shape":[0],"data_offsets":[2,2]}}""", "begins at byte 2 of the data, inside another tensor that ends at 4")]
    public void A_tensor_that_contradicts_itself_or_the_file_is_refused(string header, string expected)
    {
        Write(header, [1, 2, 3, 4]);

        Assert.Equal($"{FilePath}: tensor \"w\" {expected}; fetch or export the file again", Refusal());
    }

    [Theory]
    [InlineData("""{"__metadata__":[]}""", "__metadata__ is an array, expected an object of strings; export the file again")]
    [InlineData("""{"__metadata__":{"a":"1","a":"2"}}""", "__metadata__.a is there twice, expected once; export the file again")]
    [InlineData("""{"__metadata__":{"step":3}}""", "__metadata__.step is a number, expected a string; export the file again")]
    [InlineData("""{"w":{"dtype":"U8","shape":[3],"data_offsets":[0,3]}}""", "the tensors cover 3 bytes of data, the file has 4; fetch or export the file again")]
    [InlineData("""{}""", "the tensors cover 0 bytes of data, the file has 4; fetch or export the file again")]
    public void A_header_that_does_not_account_for_the_data_is_refused(string header, string expected)
    {
        Write(header, [1, 2, 3, 4]);

        Assert.Equal($"{FilePath}: {expected}", Refusal());
    }

    /// <summary>Headers that are consistent and need several times their own length of memory.</summary>
    [Theory]
    [InlineData("\"{0}\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}", 300_000, "holds more than 262144 tensors, the most that are read; the file is damaged or made to exhaust memory")]
    [InlineData("\"{0}\":{\"dtype\":\"U8\",\"shape\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0],\"data_offsets\":[0,0]}", 250_000, "takes more than 192 MiB of memory; no model needs that much, the file is damaged or made to exhaust memory")]
    public void A_header_that_takes_more_memory_than_any_model_needs_is_refused(string tensor, int count, string expected)
    {
        using (StreamWriter writer = new(FilePath))
        {
            writer.Write(new string('\0', 8) + "{");
            for (int index = 0; index < count; index++)
                writer.Write((index > 0 ? "," : "") + tensor.Replace("{0}", $"{index}", StringComparison.Ordinal));
            writer.Write('}');
        }

        using (FileStream stream = File.OpenWrite(FilePath))
            stream.Write(BitConverter.GetBytes(stream.Length - 8));
        Measured(expected);
    }

    [Fact]
    public void Text_that_takes_more_memory_than_any_model_needs_is_refused()
    {
        using (FileStream stream = File.Create(FilePath))
        {
            stream.Write(BitConverter.GetBytes(80_000_000L));
            stream.Write("{\"__metadata__\":{\"a\":\""u8);
            stream.Write(Encoding.ASCII.GetBytes(new string('x', 80_000_000 - 25)));
            stream.Write("\"}}"u8);
        }

        Measured("takes more than 192 MiB of memory; no model needs that much, the file is damaged or made to exhaust memory");
    }

    [Fact]
    public void Every_truncation_of_a_good_file_is_refused()
    {
        SafetensorsWriter.Write(FilePath, [SafetensorsEntry.FromBytes("w", SafetensorsDtype.I16, [2, 3], new byte[12])]);
        byte[] whole = File.ReadAllBytes(FilePath);
        for (int fileBytes = 0; fileBytes < whole.Length; fileBytes++)
        {
            File.WriteAllBytes(FilePath, whole[..fileBytes]);
            Refusal();
        }
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_refused()
    {
        Assert.Equal($"{FilePath}: no such file; check the path", Refusal());
        Assert.Equal(
            $"{_folder.Path}: is a folder where a file was expected; name a file",
            Assert.Throws<InputException>(() => SafetensorsFile.Open(_folder.Path)).Message);
    }

    [Fact]
    public void Asking_for_an_absent_tensor_or_integers_as_floats_is_refused()
    {
        Write("""{"w":{"dtype":"I8","shape":[4],"data_offsets":[0,4]}}""", [1, 2, 3, 4]);
        using SafetensorsFile file = SafetensorsFile.Open(FilePath);

        Assert.Equal(
            $"{FilePath}: has no tensor \"v\"; check that the file is the right one",
            Assert.Throws<InputException>(() => file.ReadFloat32("v")).Message);
        Assert.Equal(
            $"{FilePath}: tensor \"w\" is I8, expected F32, F16 or BF16; export the model in one of these",
            Assert.Throws<InputException>(() => file.ReadFloat32("w")).Message);
    }

    [Fact]
    public void A_real_checkpoint_is_read()
    {
        using SafetensorsFile file = SafetensorsFile.Open(SharedData.PathOrSkip("models/TinyStories-656K/model.safetensors"));

        Assert.Equal(20, file.Tensors.Count);
        Assert.Equal([2048L, 128L], file["model.embed_tokens.weight"].Shape);
        Assert.Equal(SafetensorsDtype.BF16, file["model.embed_tokens.weight"].Dtype);
        Assert.All(file.ReadFloat32("model.norm.weight"), gain => Assert.InRange(gain, 0.01f, 100f));
    }

    public void Dispose() => _folder.Dispose();

    private void Measured(string expected)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        string message = Refusal();
        long allocatedBytes = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal($"{FilePath}: the safetensors header {expected}", message);
        Assert.InRange(allocatedBytes, 0, 256L << 20);
    }

    private string Refusal() => Assert.Throws<InputException>(() => SafetensorsFile.Open(FilePath)).Message;

    private void Write(string header, byte[] data) => WriteRaw(Encoding.UTF8.GetBytes(header), data);

    private void WriteRaw(byte[] header, byte[] data)
    {
        byte[] length = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(length, (ulong)header.Length);
        File.WriteAllBytes(FilePath, [.. length, .. header, .. data]);
    }
}
