using Pique.Formats;

namespace Pique.Tests.Formats;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void The_content_replaces_an_older_file()
    {
        string path = _folder.File("a.txt");
        File.WriteAllText(path, "a much longer old text");

        AtomicFile.Write(path, stream => stream.Write("new"u8));

        Assert.Equal("new", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_failure_of_the_caller_keeps_the_old_file_and_leaves_nothing_behind()
    {
        string path = _folder.File("a.txt");
        File.WriteAllText(path, "old");

        Assert.Throws<FormatException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write("half"u8);
            throw new FormatException();
        }));

        Assert.Equal("old", File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_failure_of_the_disk_is_a_failed_run()
    {
        string path = _folder.File("a.txt");

        RunFailedException failure = Assert.Throws<RunFailedException>(() => AtomicFile.Write(path, _ => throw new IOException("No space left on device")));

        Assert.Equal($"{path}: writing failed (No space left on device); check the free space and the permissions of the disk", failure.Message);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public void A_missing_folder_is_bad_input()
    {
        string path = System.IO.Path.Combine(_folder.Path, "missing", "a.txt");

        InputException failure = Assert.Throws<InputException>(() => AtomicFile.Write(path, _ => { }));

        Assert.StartsWith($"{path}: cannot be written (", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_is_not_overwritten()
    {
        InputException failure = Assert.Throws<InputException>(() => AtomicFile.Write(_folder.Path, _ => { }));

        Assert.Equal($"{_folder.Path}: is a folder where a file is to be written; name a file", failure.Message);
    }

    public void Dispose() => _folder.Dispose();
}
