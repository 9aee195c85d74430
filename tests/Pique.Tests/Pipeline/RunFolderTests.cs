using Pique.Pipeline;
using Pique.Training;

namespace Pique.Tests.Pipeline;

public sealed class RunFolderTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    private string Folder => _temporary.File("run");

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_new_folder_is_made_with_the_recipe_in_it()
    {
        using RunFolder folder = RunFolder.Open(_temporary.File("deep/run"), "{\"é\": 1}", resume: false);

        Assert.Equal(_temporary.File("deep/run"), folder.Path);
        Assert.Equal(Path.Combine(folder.Path, "model"), folder.Of("model"));
        Assert.Equal([".lock", "recipe.json"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
        Assert.Equal("{\"é\": 1}"u8, File.ReadAllBytes(folder.Of("recipe.json")));
    }

    [Fact]
    public void An_empty_folder_is_used()
    {
        Directory.CreateDirectory(Folder);

        RunFolder.Open(Folder, "{}", resume: false).Dispose();

        Assert.Equal("{}", File.ReadAllText(Path.Combine(Folder, RunFolder.RecipeName)));
    }

    [Fact]
    public void A_folder_with_anything_in_it_is_refused_and_left_alone()
    {
        Directory.CreateDirectory(Path.Combine(Folder, "photos"));

        InputException failure = Assert.Throws<InputException>(() => RunFolder.Open(Folder, "{}", resume: false));

        Assert.Equal($"{Folder}: the output folder is not empty. Continue the run in it with --resume, or choose another folder with --out.", failure.Message);
        Assert.Equal(["photos"], Directory.EnumerateFileSystemEntries(Folder).Select(Path.GetFileName));
    }

    [Fact]
    public void A_file_in_the_folders_place_is_refused()
    {
        File.WriteAllText(Folder, "mine");

        InputException failure = Assert.Throws<InputException>(() => RunFolder.Open(Folder, "{}", resume: false));

        Assert.Equal($"{Folder}: is a file where the folder of the run is to be made. Choose another folder with --out.", failure.Message);
        Assert.Equal("mine", File.ReadAllText(Folder));
    }

    [Fact]
    public void A_folder_below_a_file_cannot_be_made()
    {
        File.WriteAllText(Folder, "mine");
        string below = Path.Combine(Folder, "run");

        InputException failure = Assert.Throws<InputException>(() => RunFolder.Open(below, "{}", resume: false));

        Assert.StartsWith($"{below}: the output folder cannot be written (", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("). Choose a folder you may write to with --out.", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_is_resumed_with_its_own_recipe()
    {
        string digest;
        using (RunFolder first = RunFolder.Open(Folder, "{}", resume: false))
        {
            File.WriteAllText(first.Of("metrics.jsonl"), "");
            digest = first.Digest("data", "model");
        }

        using RunFolder again = RunFolder.Open(Folder, "{}", resume: true);

        Assert.Equal(digest, again.Digest("data", "model"));
    }

    [Fact]
    public void A_run_is_not_resumed_with_another_recipe()
    {
        RunFolder folder = RunFolder.Open(Folder, "{}", resume: false);
        folder.Dispose();

        InputException failure = Assert.Throws<InputException>(() => RunFolder.Open(Folder, "{\"bits\": 2}", resume: true));

        Assert.Equal($"{folder.Of("recipe.json")}: the run was started with other choices than those given now. Resume it with the same ones, or start a new run in another folder.", failure.Message);
        Assert.Equal("{}", File.ReadAllText(folder.Of("recipe.json")));
    }

    [Theory]
    [InlineData(8, false, null)]
    [InlineData(4, true, "training.accumulation_steps: 8 as the run began, 4 now. The parts' gradients add up in another order, so the run will end in other bytes than with 8.")]
    public void What_a_step_takes_of_memory_may_differ_where_a_run_is_resumed(int parts, bool checkpointing, string? change)
    {
        string began = Recipe(8, checkpointing: false);
        string digest;
        using (RunFolder first = RunFolder.Open(Folder, began, resume: false))
            digest = first.Digest("data");

        using (RunFolder again = RunFolder.Open(Folder, Recipe(parts, checkpointing), resume: true))
        {
            Assert.Equal(change, again.Change);
            Assert.Equal(digest, again.Digest("data"));
            Assert.Equal(began, File.ReadAllText(again.Of("recipe.json")));
        }

        Assert.Throws<InputException>(() => RunFolder.Open(Folder, Recipe(parts, checkpointing).Replace("1536", "768", StringComparison.Ordinal), resume: true));

        static string Recipe(int parts, bool checkpointing) =>
            $$"""{"training": {"batch_tokens": 1536, "accumulation_steps": {{parts}}, "gradient_checkpointing": {{(checkpointing ? "true" : "false")}} } }""";
    }

    [Fact]
    public void Where_no_run_was_started_there_is_nothing_to_resume()
    {
        InputException failure = Assert.Throws<InputException>(() => RunFolder.Open(Folder, "{}", resume: true));

        Assert.Equal($"{Folder}: holds no run to resume (recipe.json is missing). Start it without --resume, or name the folder of an earlier run with --out.", failure.Message);
        Assert.False(Directory.Exists(Folder));
    }

    [Fact]
    public void A_second_run_on_the_folder_is_refused_while_the_first_has_it()
    {
        using RunFolder first = RunFolder.Open(Folder, "{}", resume: false);

        Assert.Throws<RunFolderInUseException>(() => RunFolder.Open(Folder, "{}", resume: true));
        RunFolderInUseException failure = Assert.Throws<RunFolderInUseException>(() => RunFolder.Open(Folder, "{}", resume: false));

        Assert.Equal($"{Folder}: another run is using this folder. Wait until it ends or stop it, or choose another folder with --out.", failure.Message);
        Assert.Equal("{}", File.ReadAllText(first.Of("recipe.json")));
    }

    [Fact]
    public void A_run_that_has_ended_is_not_begun_anew()
    {
        RunFolder.Open(Folder, "{}", resume: false).Dispose();

        InputException failure = Assert.Throws<InputException>(() => RunFolder.Open(Folder, "{}", resume: false));

        Assert.Equal($"{Folder}: the output folder is not empty. Continue the run in it with --resume, or choose another folder with --out.", failure.Message);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_a_refused_run_wrote_goes_with_the_folder_made_for_it(bool existed)
    {
        if (existed)
            Directory.CreateDirectory(Folder);
        using (RunFolder folder = RunFolder.Open(Folder, "{}", resume: false))
        {
            Directory.CreateDirectory(folder.Of("checkpoints"));
            Directory.CreateDirectory(folder.Of("tensorboard/deep"));
            folder.RemoveUntrained();
        }

        Assert.Equal(existed, Directory.Exists(Folder));
        Assert.Empty(existed ? RunFolder.EntriesOf(Folder) : []);
    }

    [Fact]
    public void A_run_with_a_checkpoint_is_never_taken_away()
    {
        using RunFolder folder = RunFolder.Open(Folder, "{}", resume: false);
        Directory.CreateDirectory(folder.Of("checkpoints/step-000001"));

        folder.RemoveUntrained();

        Assert.Equal(["checkpoints", "recipe.json"], RunFolder.EntriesOf(Folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void A_run_that_was_killed_before_it_wrote_anything_can_be_started_again()
    {
        RunLock.Acquire(Folder).Dispose();

        using RunFolder folder = RunFolder.Open(Folder, "{}", resume: false);

        Assert.Equal("{}", File.ReadAllText(folder.Of("recipe.json")));
    }

    [Fact]
    public void The_digest_tells_recipes_and_parts_apart()
    {
        using RunFolder folder = RunFolder.Open(Folder, "{}", resume: false);
        using RunFolder other = RunFolder.Open(_temporary.File("other"), "{ }", resume: false);

        Assert.Equal(5, new HashSet<string> { folder.Digest(), folder.Digest("a"), folder.Digest("a", "b"), folder.Digest("b", "a"), other.Digest("a") }.Count);
        Assert.Matches("^[0-9a-f]{64}$", folder.Digest());
    }
}
