using System.Text.Json;

namespace Pique.Cli.Tests.Commands;

/// <summary>What pique train does instead of training, or beside it.</summary>
public sealed class TrainModesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _recipe;

    public TrainModesTests()
    {
        TinyModel.Save(_folder.Of("model"));
        _folder.Write("data.txt", TinyModel.Texts);
        _recipe = Recipe("recipe.json");
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_dry_run_tells_what_the_run_takes_and_writes_nothing()
    {
        string run = _folder.Of("run");

        (int exitCode, string output, string error) = FakeTerminal.Run("train", _recipe, "--dry-run", "--out", run);

        Assert.True(exitCode == 0, error);
        Assert.Matches(
            """
            ^parameters     [\d,]+ weights, [\d,]+ of the quantizers
            tokens         [\d,]+ an epoch, [\d,]+ in all
            steps          [\d,]+, [\d,]+ an epoch, \d+\.\d\d s each
            evaluations    [\d,]+ of the held-out loss, \d+\.\d\d s each
            peak memory    [\d.]+ [kMG]B of [\d.]+ [kMGT]B available
            training time  \d+:\d\d
            $
            """.ReplaceLineEndings("\n"),
            output);
        Assert.Contains("\nTraining\n", error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(run));
    }

    [Fact]
    public void A_dry_run_in_json()
    {
        (int exitCode, string output, string error) = FakeTerminal.Run("train", _recipe, "--dry-run", "--json", "--quiet");

        Assert.Equal((0, ""), (exitCode, error));
        using JsonDocument plan = JsonDocument.Parse(output);
        Assert.Equal(
            [
                "weights", "quantization_parameters", "tokens_per_epoch", "tokens", "steps_per_epoch", "steps", "step_seconds", "evaluations", "evaluation_seconds", "training_seconds",
                "peak_memory_bytes", "available_memory_bytes",
            ],
            plan.RootElement.EnumerateObject().Select(field => field.Name));
        Assert.All(plan.RootElement.EnumerateObject(), field => Assert.True(field.Value.GetDouble() > 0, field.Name));
    }

    [Theory]
    [InlineData("--dry-run")]
    [InlineData("--out")]
    public void A_model_that_memory_cannot_hold_is_refused_by_its_shape_before_anything_is_read_or_written(string option)
    {
        // Nothing but the configuration is there to be read.
        Directory.CreateDirectory(_folder.Of("vast"));
        File.WriteAllText(
            Path.Combine(_folder.Of("vast"), "config.json"),
            """
            {"model_type": "llama", "vocab_size": 128000, "hidden_size": 65536, "intermediate_size": 262144, "num_hidden_layers": 400, "num_attention_heads": 512,
             "num_key_value_heads": 64, "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "hidden_act": "silu"}
            """);
        string recipe = Recipe("vast.json", model: "vast");
        string run = _folder.Of("run");

        (int exitCode, string output, string error) = FakeTerminal.Run(["train", recipe, "--quiet", .. option == "--out" ? [option, run] : new[] { option }]);

        Assert.Equal((2, ""), (exitCode, output));
        Assert.Matches(
            @"^error: memory: weights, gradients and optimizer, with the teacher's weights, take at least 4\d{5}\.\d GB, and [\d.]+ GB is available\. Train a smaller model, or on a machine with more memory\.\n$", error);
        Assert.False(Directory.Exists(run));
    }

    [Fact]
    public void The_search_for_a_learning_rate_prints_a_table_writes_two_files_and_trains_nothing()
    {
        string found = _folder.Of("found");
        byte[] model = File.ReadAllBytes(Path.Combine(_folder.Of("model"), "model.safetensors"));

        (int exitCode, string output, string error) = FakeTerminal.Run("train", _recipe, "--find-learning-rate", "--out", found);

        Assert.True(exitCode == 0, error);
        Assert.Contains("learning rate", output, StringComparison.Ordinal);
        Assert.Matches(@"\nlowest loss at    \d\.\de-?\d\nfalls fastest at  \S+\nsuggested         \d\.\de-?\d, a tenth of the first, as training\.weight_learning_rate\nwritten           \S+lr-range\.json, lr-range\.png\n$", output);
        Assert.Equal(["lr-range.json", "lr-range.png"], Directory.EnumerateFileSystemEntries(found).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal));
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], File.ReadAllBytes(Path.Combine(found, "lr-range.png"))[..4]);
        Assert.Equal(model, File.ReadAllBytes(Path.Combine(_folder.Of("model"), "model.safetensors")));

        using JsonDocument range = JsonDocument.Parse(File.ReadAllText(Path.Combine(found, "lr-range.json")));
        Assert.Equal(["suggested_learning_rate", "lowest_loss_learning_rate", "steepest_learning_rate", "steps"], range.RootElement.EnumerateObject().Select(field => field.Name));
        JsonElement first = range.RootElement.GetProperty("steps")[0];
        Assert.Equal(["learning_rate", "loss", "smoothed_loss"], first.EnumerateObject().Select(field => field.Name));
        Assert.Equal(1e-6, first.GetProperty("learning_rate").GetDouble(), 1e-12);
    }

    [Fact]
    public void The_event_file_of_tensorboard_is_written_beside_the_metrics()
    {
        string run = _folder.Of("run");

        (int exitCode, _, string error) = FakeTerminal.Run("train", _recipe, "--out", run, "--tensorboard", "--quiet");

        Assert.True(exitCode == 0, error);
        Assert.True(new FileInfo(Path.Combine(run, "tensorboard", "events.out.tfevents.pique")).Length > 0);
    }

    [Fact]
    public void Held_out_losses_and_the_best_weights_are_told()
    {
        string run = _folder.Of("run");

        (int exitCode, string output, string error) = FakeTerminal.Run("train", _recipe, "--out", run);

        Assert.True(exitCode == 0, error);
        Assert.Matches(@"\n  step 5: held-out loss \d\.\d{4}, the lowest so far\n", error);
        Assert.Matches(@"\n  epoch 1 of 1: mean loss \d\.\d{4}, peak memory \S+ [MG]B\n", error);
        Assert.Matches(@"  step \d+ of \d+  loss \d\.\d{4}  [\d,]+ tokens/s  \d:\d\d left  \S+ [MG]B\n", error);
        Assert.Matches(@"\nThe model has the weights of step \d+ of \d+; the lowest held-out loss while training was \d\.\d{4}\.\n", output);
    }

    [Theory]
    [InlineData("--dry-run", "--find-learning-rate", "--dry-run and --find-learning-rate do not go together; give one of them.")]
    [InlineData("--resume", "--dry-run", "--resume and --dry-run do not go together; give one of them.")]
    [InlineData("--tensorboard", "--dry-run", "--tensorboard does not go with --dry-run, which trains nothing; leave one of them out.")]
    [InlineData("--tensorboard", "--find-learning-rate", "--tensorboard does not go with --find-learning-rate, which trains nothing; leave one of them out.")]
    public void Modes_exclude_one_another(string first, string second, string message)
    {
        (int exitCode, _, string error) = FakeTerminal.Run("train", _recipe, first, second);

        Assert.Equal(1, exitCode);
        Assert.Equal($"error: {message}\nRun 'pique train --help' for usage.\n", error);
    }

    private string Recipe(string name, string model = "model") => _folder.Write(name, $$"""
        {"qat": {"bits": 3, "ste_variant": "LearnedStepSize", "epochs": 1, "warmup_epochs": 0}, "model": "{{model}}",
         "data": {"files": [{"path": "data.txt"}], "held_out_share": 0.2, "context_tokens": 64},
         "training": {"batch_tokens": 64, "evaluate_every_steps": 5, "keep_best": true} }
        """);
}
