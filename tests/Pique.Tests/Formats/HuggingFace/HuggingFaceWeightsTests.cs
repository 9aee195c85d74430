using Pique.Formats.HuggingFace;
using Pique.Formats.Safetensors;

namespace Pique.Tests.Formats.HuggingFace;

public sealed class HuggingFaceWeightsTests : IDisposable
{
    private const string Index = "model.safetensors.index.json";

    private readonly TemporaryFolder _folder = new();

    public HuggingFaceWeightsTests()
    {
        WriteShard("one.safetensors", "a", 1);
        WriteShard("two.safetensors", "b", 2);
    }

    [Fact]
    public void Shards_are_read_by_their_index()
    {
        WriteIndex("""{"metadata":{"total_size":8},"weight_map":{"b":"two.safetensors","a":"one.safetensors"}}""");
        float[] values = new float[2];

        using HuggingFaceWeights weights = HuggingFaceWeights.Open(_folder.Path);
        weights.Read("a", 0, values.AsSpan(0, 1));
        weights.Read("b", 0, values.AsSpan(1, 1));

        Assert.Equal([1f, 2f], values);
        Assert.Equal(2, weights.Shapes.Count);
    }

    [Fact]
    public void A_single_file_is_preferred_to_an_index()
    {
        WriteIndex("not even read");
        WriteShard("model.safetensors", "c", 3);

        using HuggingFaceWeights weights = HuggingFaceWeights.Open(_folder.Path);

        Assert.Equal(["c"], weights.Shapes.Keys);
    }

    [Fact]
    public void A_folder_without_weights_is_refused()
    {
        InputException failure = Assert.Throws<InputException>(() => HuggingFaceWeights.Open(_folder.Path));

        Assert.Equal($"{_folder.Path}: has neither model.safetensors nor {Index}; export the model as safetensors", failure.Message);
    }

    [Theory]
    [InlineData("""{}""", "lacks the object \"weight_map\" that says which shard holds which tensor; fetch or export the model again")]
    [InlineData("""{"weight_map":{}}""", "weight_map is empty, expected a shard for every tensor; fetch or export the model again")]
    [InlineData("""{"weight_map":{"a":"three.safetensors"}}""", "weight_map places \"a\" in three.safetensors, which is not in the folder; fetch the missing shard")]
    [InlineData("""{"weight_map":{"a":"../one.safetensors"}}""", "weight_map places \"a\" in \"../one.safetensors\", expected the name of a .safetensors file of the same folder; fetch or export the model again")]
    [InlineData("""{"weight_map":{"a":"x\\one.safetensors"}}""", "weight_map places \"a\" in \"x\\\\one.safetensors\", expected the name of a .safetensors file of the same folder; fetch or export the model again")]
    [InlineData("""{"weight_map":{"a":"one.bin"}}""", "weight_map places \"a\" in \"one.bin\", expected the name of a .safetensors file of the same folder; fetch or export the model again")]
    [InlineData("""{"weight_map":{"a":1}}""", "weight_map places \"a\" in 1, expected the name of a .safetensors file of the same folder; fetch or export the model again")]
    [InlineData("""{"weight_map":{"a":"two.safetensors"}}""", "weight_map places \"a\" in two.safetensors, which does not hold it; fetch or export the model again")]
    [InlineData("""{"weight_map":{"a":"one.safetensors","b":"one.safetensors"}}""", "weight_map places \"b\" in one.safetensors, which does not hold it; fetch or export the model again")]
    public void A_faulty_index_is_refused(string index, string expected)
    {
        WriteIndex(index);

        InputException failure = Assert.Throws<InputException>(() => HuggingFaceWeights.Open(_folder.Path));

        Assert.Equal($"{_folder.File(Index)}: {expected}", failure.Message);
    }

    [Fact]
    public void A_shard_that_leads_in_a_circle_is_refused()
    {
        File.CreateSymbolicLink(_folder.File("circle.safetensors"), "circle.safetensors");
        WriteIndex("""{"weight_map":{"a":"circle.safetensors"}}""");

        InputException failure = Assert.Throws<InputException>(() => HuggingFaceWeights.Open(_folder.Path));

        string path = _folder.File("circle.safetensors");
        Assert.Equal($"{path}: cannot be read (Too many levels of symbolic links : '{path}'); check its permissions", failure.Message);
    }

    [Fact]
    public void A_shard_that_is_another_shard_is_refused()
    {
        File.CreateSymbolicLink(_folder.File("zwei.safetensors"), "one.safetensors");
        WriteIndex("""{"weight_map":{"a":"one.safetensors","b":"zwei.safetensors"}}""");

        InputException failure = Assert.Throws<InputException>(() => HuggingFaceWeights.Open(_folder.Path));

        Assert.Equal($"{_folder.File("zwei.safetensors")}: tensor \"a\" is also in {_folder.File("one.safetensors")}, expected in one shard only; fetch or export the model again", failure.Message);
    }

    /// <summary>Every header is within its limit, all together are not.</summary>
    [Fact]
    public void Shards_whose_headers_take_more_memory_than_any_model_needs_are_refused()
    {
        foreach (string shard in (string[])["one.safetensors", "two.safetensors", "three.safetensors"])
        {
            using FileStream stream = File.Create(_folder.File(shard));
            stream.Write(BitConverter.GetBytes(80_000_000L));
            stream.Write("{}"u8);
            stream.Write(System.Text.Encoding.ASCII.GetBytes(new string(' ', 80_000_000 - 2)));
        }

        WriteIndex("""{"weight_map":{"a":"one.safetensors","b":"two.safetensors","c":"three.safetensors"}}""");
        long before = GC.GetAllocatedBytesForCurrentThread();
        InputException failure = Assert.Throws<InputException>(() => HuggingFaceWeights.Open(_folder.Path));
        long allocatedBytes = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal($"{_folder.File("two.safetensors")}: the headers of the model take more than 192 MiB of memory; no model needs that much, the file is damaged or made to exhaust memory", failure.Message);
        Assert.InRange(allocatedBytes, 0, 256L << 20);
    }

    [Fact]
    public void An_index_with_unpaired_surrogates_is_refused()
    {
        WriteIndex("""{"weight_map":{"\ud800":"one.safetensors"}}""");

        Assert.Throws<InputException>(() => HuggingFaceWeights.Open(_folder.Path));
    }

    [Fact]
    public void A_tensor_the_index_leaves_out_is_refused()
    {
        SafetensorsWriter.Write(_folder.File("one.safetensors"), [Entry("a", 1), Entry("z", 1)]);
        WriteIndex("""{"weight_map":{"a":"one.safetensors"}}""");

        InputException failure = Assert.Throws<InputException>(() => HuggingFaceWeights.Open(_folder.Path));

        Assert.Equal($"{_folder.File(Index)}: weight_map leaves out tensors that the shards hold: z; fetch or export the model again", failure.Message);
    }

    [Fact]
    public void A_tensor_in_two_shards_is_refused()
    {
        WriteShard("two.safetensors", "a", 2);
        WriteIndex("""{"weight_map":{"a":"one.safetensors","b":"two.safetensors"}}""");

        InputException failure = Assert.Throws<InputException>(() => HuggingFaceWeights.Open(_folder.Path));

        Assert.Equal($"{_folder.File("two.safetensors")}: tensor \"a\" is also in {_folder.File("one.safetensors")}, expected in one shard only; fetch or export the model again", failure.Message);
    }

    public void Dispose() => _folder.Dispose();

    private static SafetensorsEntry Entry(string name, float value) =>
        SafetensorsEntry.FromBytes(name, SafetensorsDtype.F32, [1], BitConverter.GetBytes(value));

    private void WriteShard(string file, string name, float value) => SafetensorsWriter.Write(_folder.File(file), [Entry(name, value)]);

    private void WriteIndex(string json) => File.WriteAllText(_folder.File(Index), json);
}
