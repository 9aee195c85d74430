using Pique.Formats;
using Pique.Formats.Gguf;
using Pique.Formats.HuggingFace;
using Pique.Formats.Safetensors;

namespace Pique.Tests.Formats.Hostile;

public sealed class HostileCorpusTests
{
    private const long MostBytes = 256L << 20;

    /// <summary>Guards against a hang, no measurement.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static TheoryData<string> Names => [.. HostileCorpus.Cases.Select(hostile => hostile.ToString())];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task A_hostile_file_ends_in_one_clear_error(string name)
    {
        HostileCase hostile = HostileCorpus.Find(name);
        string path = HostileCorpus.PathOf(HostileCorpus.Folder, hostile);

        (Exception? failure, long allocatedBytes) = await Task.Run(() => Failure(hostile.Entry, path), TestContext.Current.CancellationToken)
            .WaitAsync(Patience, TestContext.Current.CancellationToken);

        Assert.IsType<InputException>(failure, exactMatch: false);
        Assert.Equal(hostile.Message.Replace("{path}", path, StringComparison.Ordinal), failure.Message);
        Assert.InRange(allocatedBytes, 0, MostBytes);
        Assert.InRange(failure.Message.Length - path.Length, 20, 2000);
        Assert.DoesNotContain(failure.Message, letter => char.IsControl(letter) && letter != '\n');
    }

    [Fact]
    public void The_generators_make_the_committed_bytes()
    {
        Assert.Equal(HostileCorpus.Cases.Count, HostileCorpus.Cases.Select(hostile => hostile.ToString()).Distinct().Count());
        List<string> known = [];
        foreach (HostileCase hostile in HostileCorpus.Cases)
        {
            string path = HostileCorpus.PathOf(HostileCorpus.Folder, hostile);
            foreach ((string name, byte[] content) in hostile.Files)
            {
                string file = Directory.Exists(path) ? Path.Combine(path, name) : path;
                Assert.Equal(content, File.ReadAllBytes(file));
                known.Add(file);
            }
        }

        Assert.Equal(known.Order(StringComparer.Ordinal), Directory.EnumerateFiles(HostileCorpus.Folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal));
    }

    /// <summary>Run by name after a change of the generators: writes the corpus into the source tree.</summary>
    [Fact(Explicit = true)]
    public void Write_the_corpus()
    {
        string root = HostileCorpus.SourceFolder();
        if (Directory.Exists(root))
            Directory.Delete(root, recursive: true);
        foreach (HostileCase hostile in HostileCorpus.Cases)
            HostileCorpus.Write(root, hostile);
    }

    [Fact]
    public void The_files_that_the_hostile_ones_are_made_from_are_valid()
    {
        using TemporaryFolder folder = new();
        File.WriteAllBytes(folder.File("a.gguf"), HostileGguf.Valid());
        File.WriteAllBytes(folder.File("a.safetensors"), HostileSafetensors.Valid());
        foreach ((string name, byte[] content) in HostileFolders.Valid().Concat(TinyFolder.Files().Where(file => file.Key != "model.safetensors")))
            File.WriteAllBytes(folder.File(name), content);

        using (GgufFile gguf = GgufFile.Open(folder.File("a.gguf")))
            Assert.Equal(["a", "b"], gguf.Tensors.Select(tensor => tensor.Name));
        using (SafetensorsFile file = SafetensorsFile.Open(folder.File("a.safetensors")))
            Assert.Equal([1f, 2f, 3f, 4f], file.ReadFloat32("w"));
        using (HuggingFaceWeights weights = HuggingFaceWeights.Open(folder.Path))
            Assert.Equal(["a", "b"], weights.Shapes.Keys);
        File.WriteAllBytes(folder.File("model.safetensors"), TinyFolder.Files()["model.safetensors"]);
        using (LoadedModel model = ModelLoader.Load(folder.Path))
            Assert.Equal(ModelFormat.HuggingFace, model.Format);
        foreach ((string name, byte[] content) in TinyFolder.Packed("\"bits\":4,\"granularity\":\"PerChannel\",\"symmetric\":true", quantization => quantization, (Half)1, keepUnpacked: false))
            File.WriteAllBytes(folder.File(name), content);
        using LoadedModel packed = ModelLoader.Load(folder.Path);
        Assert.Single(packed.Quantized);
    }

    internal static (Exception? Failure, long AllocatedBytes) Failure(HostileEntry entry, string path)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Exception? failure = Record.Exception(() =>
        {
            using IDisposable opened = entry switch
            {
                HostileEntry.Gguf => GgufFile.Open(path),
                HostileEntry.Safetensors => SafetensorsFile.Open(path),
                HostileEntry.Weights => HuggingFaceWeights.Open(path),
                _ => ModelLoader.Load(path),
            };
        });
        return (failure, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
