using Pique.Training;

namespace Pique.Tests.Training;

public sealed class CheckpointStoreTests
{
    [Fact]
    public void The_newest_few_are_kept()
    {
        using TemporaryFolder folder = new();
        CheckpointStore store = new(folder.Path, 2);
        foreach (int step in (int[])[1, 9, 10, 123])
        {
            Save(store, step);
        }

        Assert.Equal(["step-000123", "step-000010"], store.Folders.Select(Path.GetFileName));
        Assert.Equal(2, Directory.EnumerateFileSystemEntries(folder.Path).Count());
        Assert.Equal(new(Path.Combine(folder.Path, "step-000123"), IsComplete: true), store.FindNewest((_, _) => Assert.Fail("nothing is damaged")));
    }

    [Fact]
    public void A_changed_byte_a_cut_file_and_a_missing_manifest_are_found_and_the_older_one_is_taken()
    {
        using TemporaryFolder folder = new();
        CheckpointStore store = new(folder.Path, 9);
        string[] folders = [.. Enumerable.Range(1, 4).Select(step => Save(store, step))];
        File.WriteAllBytes(Path.Combine(folders[1], "a.bin"), [1, 2, 4]);
        File.WriteAllBytes(Path.Combine(folders[2], "a.bin"), [1, 2]);
        File.Delete(Path.Combine(folders[3], CheckpointStore.ManifestName));
        List<string> rejected = [];

        Assert.Equal(new(folders[0], IsComplete: true), store.FindNewest((path, reason) => rejected.Add($"{Path.GetFileName(path)}: {reason}")));

        Assert.Equal(
            [
                "step-000004: manifest.json is missing",
                "step-000003: a.bin has 2 bytes, expected 3",
                "step-000002: a.bin has SHA-256 d4b29a968c40173638ded8d174c86957afa211be479cee020dba5dfe127d91ca, expected 039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81",
            ],
            rejected);
    }

    [Fact]
    public void A_damaged_checkpoint_is_replaced_when_its_step_comes_again()
    {
        using TemporaryFolder folder = new();
        CheckpointStore store = new(folder.Path, 2);
        string path = Save(store, 7);
        File.WriteAllText(Path.Combine(path, CheckpointStore.ManifestName), "{");
        Assert.StartsWith("manifest.json cannot be read", CheckpointStore.Fault(path), StringComparison.Ordinal);
        Save(store, 7);
        Assert.Null(CheckpointStore.Fault(path));
    }

    [Fact]
    public void A_manifest_that_points_outside_its_folder_is_refused()
    {
        using TemporaryFolder folder = new();
        string path = Save(new(folder.Path, 2), 7);
        string manifest = Path.Combine(path, CheckpointStore.ManifestName);
        File.WriteAllText(manifest, File.ReadAllText(manifest).Replace("a.bin", "../a.bin", StringComparison.Ordinal));
        Assert.Equal("manifest.json names the file '../a.bin' outside the checkpoint", CheckpointStore.Fault(path));
    }

    [Fact]
    public void A_failed_save_leaves_the_older_one_and_nothing_of_its_own()
    {
        using TemporaryFolder folder = new();
        CheckpointStore store = new(folder.Path, 2);
        string sound = Save(store, 1);
        RunFailedException failure = Assert.Throws<RunFailedException>(() => store.Save(2, [new("a.bin", _ => throw new IOException("disk full"))]));
        Assert.Equal(
            $"{Path.Combine(folder.Path, "step-000002")}: the checkpoint cannot be written (disk full); earlier ones are as they were. Make room on the disk or mend its permissions, then continue with --resume.",
            failure.Message);
        Assert.Equal(new(sound, IsComplete: true), store.FindNewest((_, _) => Assert.Fail("nothing is damaged")));
        Assert.Equal([sound], Directory.EnumerateFileSystemEntries(folder.Path));
        Save(store, 3);
        Assert.Equal(["step-000001", "step-000003"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void When_all_are_damaged_it_says_so()
    {
        using TemporaryFolder folder = new();
        CheckpointStore store = new(folder.Path, 2);
        File.Delete(Path.Combine(Save(store, 1), "a.bin"));
        InputException error = Assert.Throws<InputException>(() => store.FindNewest((_, _) => { }));
        Assert.Equal($"{folder.Path}: all 1 checkpoints are damaged; delete the folder to start anew.", error.Message);
    }

    [Fact]
    public void A_disk_that_fills_up_at_any_byte_leaves_the_older_one_and_nothing_of_the_new()
    {
        using TemporaryFolder folder = new();
        string sound = Save(new(folder.Path, 2), 1);
        int failures = 0;
        for (int room = 0; ; room++)
        {
            FullDisk disk = new(room);
            CheckpointStore store = new(folder.Path, 2, disk.Create);
            try
            {
                Save(store, 2);
                break;
            }
            catch (RunFailedException failure)
            {
                failures++;
                Assert.Contains("(No space left on device)", failure.Message, StringComparison.Ordinal);
                Assert.Equal([sound], Directory.EnumerateFileSystemEntries(folder.Path));
            }
        }

        // Three bytes of content, then those of the manifest.
        Assert.Equal(3 + new FileInfo(Path.Combine(folder.Path, "step-000002", CheckpointStore.ManifestName)).Length, failures);
        Assert.Null(CheckpointStore.Fault(Path.Combine(folder.Path, "step-000002")));
    }

    [Fact]
    public void The_manifest_tells_what_was_written_even_where_the_disk_kept_something_else()
    {
        using TemporaryFolder folder = new();
        CheckpointStore store = new(folder.Path, 2, path => new ForgetfulFile(path));
        string path = Save(store, 1);
        Assert.Equal("manifest.json cannot be read", CheckpointStore.Fault(path)?[..28]);
        store = new(folder.Path, 2, path => path.EndsWith("a.bin", StringComparison.Ordinal) ? new ForgetfulFile(path) : CheckpointStore.CreateFile(path));
        Assert.Equal("a.bin has 2 bytes, expected 3", CheckpointStore.Fault(Save(store, 2)));
    }

    [Fact]
    public void What_a_killed_writer_left_is_deleted_and_named()
    {
        using TemporaryFolder folder = new();
        CheckpointStore store = new(folder.Path, 2);
        string sound = Save(store, 1);
        string[] left = [Path.Combine(folder.Path, ".partial-old-step-000000"), Path.Combine(folder.Path, ".partial-step-000002")];
        Assert.All(left, path => File.WriteAllText(Path.Combine(Directory.CreateDirectory(path).FullName, "a.bin"), "?"));
        Assert.Equal(left, store.RemovePartial());
        Assert.Equal([sound], Directory.EnumerateFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_damaged_checkpoint_takes_no_place_and_goes_once_a_newer_one_is_safe()
    {
        using TemporaryFolder folder = new();
        CheckpointStore store = new(folder.Path, 2);
        foreach (int step in (int[])[1, 2, 9])
        {
            Save(store, step);
        }

        File.WriteAllBytes(Path.Combine(store.FolderOf(9), "a.bin"), [0]);
        Assert.Equal(store.FolderOf(2), store.FindNewest((_, _) => { })!.Folder);
        Assert.Equal(["step-000009", "step-000002"], store.Folders.Select(Path.GetFileName));
        Save(store, 3);
        Assert.Equal(["step-000003", "step-000002"], store.Folders.Select(Path.GetFileName));
    }

    [Fact]
    public void What_a_kept_checkpoint_requires_is_kept_as_well_and_is_looked_at()
    {
        using TemporaryFolder folder = new();
        CheckpointStore store = new(folder.Path, 2);
        Save(store, 1);
        foreach (int step in (int[])[2, 3, 4])
        {
            Save(store, step, requires: [1]);
        }

        Assert.Equal(["step-000004", "step-000003", "step-000001"], store.Folders.Select(Path.GetFileName));
        File.WriteAllBytes(Path.Combine(store.FolderOf(1), "a.bin"), [0]);
        List<string> rejected = [];
        Assert.Equal(
            new(store.FolderOf(4), IsComplete: false),
            store.FindNewest((path, reason) => rejected.Add($"{Path.GetFileName(path)}: {reason}")));
        Assert.Equal(
            [
                "step-000004: it requires step-000001, of which a.bin has 1 bytes, expected 3",
                "step-000003: it requires step-000001, of which a.bin has 1 bytes, expected 3",
                "step-000001: a.bin has 1 bytes, expected 3",
            ],
            rejected);

        Save(store, 5);
        Assert.Equal(["step-000005", "step-000004"], store.Folders.Take(2).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("{\"format_version\":1,\"files\":[null]}", "manifest.json is not of format version 1")]
    [InlineData("{\"format_version\":1,\"files\":[]}", "manifest.json is not of format version 1")]
    [InlineData("{\"format_version\":2,\"files\":[{\"name\":\"a.bin\"}]}", "manifest.json is not of format version 1")]
    [InlineData("{\"format_version\":1,\"files\":[{}]}", "manifest.json names the file '' outside the checkpoint")]
    [InlineData("{\"format_version\":1,\"files\":[{\"name\":\"..\"}]}", ".. is missing")]
    [InlineData("{\"format_version\":1,\"files\":[{\"name\":\"a.bin\",\"bytes\":3}]}", "a.bin has SHA-256 039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81, expected ")]
    public void A_manifest_of_another_making_is_a_fault(string manifest, string expected)
    {
        using TemporaryFolder folder = new();
        string path = Save(new(folder.Path, 2), 7);
        File.WriteAllText(Path.Combine(path, CheckpointStore.ManifestName), manifest);
        Assert.Equal(expected, CheckpointStore.Fault(path));
    }

    private static string Save(CheckpointStore store, int step, IReadOnlyList<int>? requires = null) =>
        store.Save(step, [new("a.bin", stream => stream.Write([1, 2, 3]))], requires);

    /// <summary>A file of which the last byte never reaches the disk, as after a power cut.</summary>
    private sealed class ForgetfulFile(string path) : FileStream(path, FileMode.CreateNew)
    {
        private int _written;

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            base.Write(buffer);
            _written += buffer.Length;
        }

        public override void Flush(bool flushToDisk)
        {
            base.Flush(flushToDisk);
            SetLength(_written - 1);
        }
    }
}
