using System.Runtime.Versioning;

namespace Pique.Tests.Runtime;

[SupportedOSPlatform("linux")]
public sealed class NativeLibraryCacheTests : IDisposable
{
    private static readonly byte[] Content = ElfSharedObjectWriter.ConstantFunction("f", 7);
    private readonly string _folder = Directory.CreateTempSubdirectory("pique-tests-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_library_is_written_once_under_the_hash_of_its_content()
    {
        string first = LoadFrom(Path.Combine(_folder, "new"));
        DateTime written = File.GetLastWriteTimeUtc(first);
        File.SetLastWriteTimeUtc(first, written.AddDays(-1));
        Assert.Equal(first, LoadFrom(Path.Combine(_folder, "new")));
        Assert.Equal(written.AddDays(-1), File.GetLastWriteTimeUtc(first));
        Assert.Matches("/new/f-[0-9a-f]{16}[.]so$", first);
        Assert.Equal(Content, File.ReadAllBytes(first));
    }

    [Fact]
    public void A_file_with_other_content_is_replaced()
    {
        string path = LoadFrom(_folder);
        File.WriteAllText(path, "tampered with");
        Assert.Equal(path, LoadFrom(_folder));
        Assert.Equal(Content, File.ReadAllBytes(path));
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_folder_that_cannot_be_made_gives_way_to_the_next() =>
        Assert.StartsWith(_folder, LoadFrom("/proc/pique", _folder), StringComparison.Ordinal);

    [Fact]
    public void A_folder_open_to_everyone_gives_way_to_the_next()
    {
        string open = Directory.CreateDirectory(Path.Combine(_folder, "open")).FullName;
        File.SetUnixFileMode(open, File.GetUnixFileMode(open) | UnixFileMode.OtherWrite);
        Assert.StartsWith(Path.Combine(_folder, "next"), LoadFrom(open, Path.Combine(_folder, "next")), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(open));
    }

    [Fact]
    public void A_folder_the_loader_refuses_gives_way_to_the_next()
    {
        string refused = Path.Combine(_folder, "refused");
        string loaded = "";
        new NativeLibraryCache([refused, _folder]).Load("f", Content, path =>
        {
            loaded = path.StartsWith(refused, StringComparison.Ordinal) ? throw new DllNotFoundException("Operation not permitted") : path;
            return 1;
        });
        Assert.Equal(_folder, Path.GetDirectoryName(loaded));
    }

    [Fact]
    public void Where_no_folder_will_do_each_is_named_with_its_reason()
    {
        string blocked = Path.Combine(_folder, "file");
        File.WriteAllText(blocked, "");
        var error = Assert.Throws<RunFailedException>(() => LoadFrom(blocked, "/proc/pique"));
        Assert.Contains($"could be written and loaded nowhere ({blocked}: ", error.Message, StringComparison.Ordinal);
        Assert.Contains("; /proc/pique: ", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("set XDG_CACHE_HOME, or RuntimeOptions.CacheDirectory, to a folder that can be written to and allows execution.", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_may_start_at_once()
    {
        string folder = Path.Combine(_folder, "shared");
        Parallel.For(0, 32, _ => Assert.Equal(Content, File.ReadAllBytes(LoadFrom(folder))));
        Assert.Single(Directory.GetFiles(folder));
    }

    [Fact]
    public void The_folder_chosen_comes_before_the_temporary_one() =>
        Assert.Equal(["/somewhere", Path.Combine(Path.GetTempPath(), $"pique-{FolderOwner.CurrentUser}")], NativeLibraryCache.ForUser("/somewhere").Folders);

    private static string LoadFrom(params string[] folders)
    {
        string loaded = "";
        new NativeLibraryCache(folders).Load("f", Content, path =>
        {
            loaded = path;
            return 1;
        });
        return loaded;
    }
}
