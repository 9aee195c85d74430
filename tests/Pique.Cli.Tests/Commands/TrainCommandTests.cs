using System.Text.Json;

namespace Pique.Cli.Tests.Commands;

public sealed class TrainCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _model;
    private readonly string _data;
    private readonly string _recipe;

    public TrainCommandTests()
    {
        _model = TinyModel.Save(_folder.Of("model"));
        _data = _folder.Write("data.txt", TinyModel.Texts);
        _recipe = _folder.Write("recipe.json", """
            {"qat": {"bits": 3, "ste_variant": "LearnedStepSize", "pi_k": 4, "epochs": 1, "warmup_epochs": 0}, "model": "model",
             "data": {"files": [{"path": "data.txt"}], "held_out_share": 0.2, "context_tokens": 64},
             "training": {"batch_tokens": 64, "checkpoint_steps": 5, "compute_type": "float32"}}
            """);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_bare_configuration_trains_and_leaves_a_whole_run_folder()
    {
        string run = _folder.Of("run");

        (int exitCode, string output, string error) = FakeTerminal.Run("train", "--config", "bits4", "--model", _model, "--data", _data, "--out", run, "--json");

        Assert.Equal(0, exitCode);
        Assert.Equal(output, File.ReadAllText(Path.Combine(run, "result.json")));
        using JsonDocument document = JsonDocument.Parse(output);
        Assert.Equal(
            ["run", "model", "gguf", "report", "steps", "skipped_steps", "final_step", "best_held_out_loss", "teacher_digest", "model_digest", "runtime", "seconds", "rows"],
            document.RootElement.EnumerateObject().Select(field => field.Name));
        Assert.Equal(["teacher", "ptq", "qat"], document.RootElement.GetProperty("rows").EnumerateArray().Select(row => row.GetProperty("name").GetString()!));
        Assert.Equal(
            [".lock", "calibration.json", "checkpoints", "metrics.jsonl", "model", "model.gguf", "recipe.json", "report.html", "result.json"],
            Directory.EnumerateFileSystemEntries(run).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal));
        Assert.Contains("\nTraining\n", error, StringComparison.Ordinal);
        Assert.Contains(" 100 %  step ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_grid_option_is_part_of_the_composed_recipe()
    {
        string run = _folder.Of("run");

        (int exitCode, _, string error) = FakeTerminal.Run("train", "--config", "bits2", "--grid", "half_integer", "--model", _model, "--data", _data, "--out", run);

        Assert.Equal(0, exitCode);
        Assert.Matches(@"\ngrid +2 bits, half-integer\n", error);
        using JsonDocument recipe = JsonDocument.Parse(File.ReadAllText(Path.Combine(run, "recipe.json")));
        Assert.Equal("half_integer", recipe.RootElement.GetProperty("grid").GetString());
    }

    [Fact]
    public void A_recipe_states_its_own_grid()
    {
        (int exitCode, _, string error) = FakeTerminal.Run("train", _recipe, "--grid", "half_integer");

        Assert.Equal(1, exitCode);
        Assert.Contains("--grid goes with --config; a RECIPE states its own \"grid\".", error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_grid_is_a_usage_error_that_names_the_known_ones()
    {
        (int exitCode, _, string error) = FakeTerminal.Run("train", "--config", "bits2", "--grid", "half", "--model", _model, "--data", _data);

        Assert.Equal(1, exitCode);
        Assert.Contains("--grid: found half, expected one of auto, twos_complement, half_integer, two_level. Write one of them.", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Quiet_leaves_standard_error_empty()
    {
        (int exitCode, string output, string error) = FakeTerminal.Run("train", _recipe, "--out", _folder.Of("run"), "--quiet");

        Assert.Equal((0, ""), (exitCode, error));
        Assert.Contains("perplexity", output, StringComparison.Ordinal);
    }

    [Fact]
    public void All_work_is_done_on_the_calling_thread()
    {
        var clock = new StepClock();

        (int exitCode, _, _) = FakeTerminal.Run(clock, TestContext.Current.CancellationToken, "train", _recipe, "--out", _folder.Of("run"));

        Assert.Equal(0, exitCode);
        Assert.Equal([Environment.CurrentManagedThreadId], clock.Threads);
    }

    [Fact]
    public void An_interrupted_run_resumes_to_the_model_of_an_uninterrupted_one()
    {
        string whole = _folder.Of("whole"), broken = _folder.Of("broken");
        Assert.Equal(0, FakeTerminal.Run("train", _recipe, "--out", whole, "--quiet").ExitCode);
        using CancellationTokenSource interrupt = new();

        (int exitCode, string output, string error) = FakeTerminal.Run(
            new StepClock(interruptAtReading: 8, interrupt), interrupt.Token, "train", _recipe, "--out", broken, "--quiet");

        Assert.Equal((130, ""), (exitCode, output));
        Assert.Matches(@"^interrupted after step [1-9] of \d+\. Continue with: pique train \S+ --out \S+ --quiet --resume\n$", error);
        Assert.False(File.Exists(Path.Combine(broken, "result.json")));

        Assert.Equal(0, FakeTerminal.Run("train", _recipe, "--out", broken, "--quiet", "--resume").ExitCode);
        Assert.Equal(Digest(whole), Digest(broken));
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole, "model", "model.safetensors")), File.ReadAllBytes(Path.Combine(broken, "model", "model.safetensors")));
    }

    [Fact]
    public void A_run_is_not_begun_twice_in_one_folder()
    {
        string run = _folder.Of("run");
        Assert.Equal(0, FakeTerminal.Run("train", _recipe, "--out", run, "--quiet").ExitCode);

        (int exitCode, _, string error) = FakeTerminal.Run("train", _recipe, "--out", run);

        Assert.Equal(2, exitCode);
        Assert.Equal($"error: {run}: holds a run already. Continue it with --resume, or choose another folder with --out.\n", error);
    }

    [Fact]
    public void Resuming_with_other_choices_is_refused_and_leaves_the_run_alone()
    {
        string run = _folder.Of("run");
        Assert.Equal(0, FakeTerminal.Run("train", _recipe, "--out", run, "--quiet").ExitCode);

        (int exitCode, _, string error) = FakeTerminal.Run("train", _recipe, "--out", run, "--resume", "--seed", "5", "--quiet");

        Assert.Equal(2, exitCode);
        Assert.Contains("the run was started with other choices", error, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(run, "result.json")));
    }

    [Fact]
    public void The_seed_option_overrides_the_recipes()
    {
        string run = _folder.Of("run");
        Assert.Equal(0, FakeTerminal.Run("train", _recipe, "--out", run, "--quiet", "--seed", "11").ExitCode);

        using JsonDocument recipe = JsonDocument.Parse(File.ReadAllText(Path.Combine(run, "recipe.json")));
        Assert.Equal(11, recipe.RootElement.GetProperty("training").GetProperty("seed").GetInt64());
    }

    [Fact]
    public void Inspect_recognises_the_parts_of_a_run()
    {
        string run = _folder.Of("run");
        Assert.Equal(0, FakeTerminal.Run("train", _recipe, "--out", run, "--quiet").ExitCode);
        string checkpoint = Directory.EnumerateDirectories(Path.Combine(run, "checkpoints")).First();

        Assert.Matches(
            @"\nkind +training run\n(.*\n)*written +calibration\.json, metrics\.jsonl, model, model\.gguf, report\.html, result\.json\n", FakeTerminal.Run("inspect", run).Output);
        Assert.Matches(@"\nkind +checkpoint\nstate +sound\n", FakeTerminal.Run("inspect", checkpoint).Output);
        Assert.Matches(@"\nkind +calibration\nmethod +mse\n", FakeTerminal.Run("inspect", Path.Combine(run, "calibration.json")).Output);
    }

    private static string Digest(string run)
    {
        using JsonDocument result = JsonDocument.Parse(File.ReadAllText(Path.Combine(run, "result.json")));
        return result.RootElement.GetProperty("model_digest").GetString()!;
    }
}
