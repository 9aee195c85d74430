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
        Assert.Equal(Path.Combine(folder.Path, "step-000123"), store.FindNewest((_, _) => Assert.Fail("nothing is damaged")));
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

        Assert.Equal(folders[0], store.FindNewest((path, reason) => rejected.Add($"{Path.GetFileName(path)}: {reason}")));

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
    public void A_failed_save_leaves_the_older_one_and_its_leftovers_are_cleared_by_the_next()
    {
        using TemporaryFolder folder = new();
        CheckpointStore store = new(folder.Path, 2);
        string sound = Save(store, 1);
        Assert.Throws<RunFailedException>(() => store.Save(2, [("a.bin", _ => throw new IOException("disk full"))]));
        Assert.Equal(sound, store.FindNewest((_, _) => Assert.Fail("nothing is damaged")));
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

    private static string Save(CheckpointStore store, int step) => store.Save(step, [("a.bin", path => File.WriteAllBytes(path, [1, 2, 3]))]);
}
