using Pique.Configuration;
using Pique.Models.Llama;
using Pique.Pipeline;

namespace Pique.Tests.Pipeline.Planning;

public sealed class MemoryCheckTests : IDisposable
{
    private static readonly LlamaConfig Config = new()
    {
        VocabularySize = 32_000,
        HiddenSize = 2048,
        IntermediateSize = 5632,
        LayerCount = 22,
        HeadCount = 32,
        KeyValueHeadCount = 4,
        HeadSize = 64,
        ContextTokens = 2048,
    };

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_model_that_cannot_be_held_is_refused_by_its_shape_with_what_helps()
    {
        // 1.1 billion weights: 17.6 GB trained, 4.4 GB more for a teacher.
        MemoryModel model = new() { Student = Config, Teacher = Config };
        Assert.Equal(
            "memory: weights, gradients and optimizer, with the teacher's weights, take at least 22.0 GB, and 20.0 GB is available. "
            + "Set training.optimizer_states to \"int8\" (15.4 GB at least; rounds the optimizer's moments), or train on a machine with more memory.",
            Assert.Throws<InputException>(() => MemoryCheck.RequireHeld(model, 20_000_000_000)).Message);
        MemoryModel quantized = model with { Quantizes = true };
        Assert.EndsWith(
            "Set training.optimizer_states to \"int8\" and training.latent_weights to \"bfloat16\" (13.2 GB at least; rounds moments and latent weights), or train on a machine with more memory.",
            Assert.Throws<InputException>(() => MemoryCheck.RequireHeld(quantized, 15_000_000_000)).Message,
            StringComparison.Ordinal);
        Assert.EndsWith(
            "Set qat.use_distillation to false and training.optimizer_states to \"int8\" (11.0 GB at least; costs quality), or train on a machine with more memory.",
            Assert.Throws<InputException>(() => MemoryCheck.RequireHeld(quantized, 14_000_000_000)).Message,
            StringComparison.Ordinal);
        Assert.EndsWith(
            "Set qat.use_distillation to false (8.8 GB at least; costs quality), or train on a machine with more memory.",
            Assert.Throws<InputException>(() => MemoryCheck.RequireHeld(quantized with { Teacher = Config with { LayerCount = 88 }, States = OptimizerStates.Int8, Latent = LatentWeights.Bfloat16 }, 20_000_000_000)).Message,
            StringComparison.Ordinal);
        Assert.Equal(
            "memory: weights, gradients and optimizer take at least 17.6 GB, and 853 MB is available. Train a smaller model, or on a machine with more memory.",
            Assert.Throws<InputException>(() => MemoryCheck.RequireHeld(model with { Teacher = null }, 853_000_000)).Message);
        MemoryCheck.RequireHeld(model, 23_000_000_000);
        MemoryCheck.RequireHeld(model, null);
    }

    [Fact]
    public void Weights_that_have_no_room_while_they_are_turned_are_refused()
    {
        // 1.1 billion weights: 4.4 GB as they are read, 2.2 GB as they are held.
        MemoryModel model = new() { Student = Config, Frozen = FrozenStorage.Bfloat16, Rotates = true };
        Assert.Equal(
            "memory: weights in float32 and the frozen ones that are made by turning them take at least 6.6 GB, and 5.0 GB is available. "
            + "Set qat.use_incoherence to false (2.2 GB at least; leaves outliers as they are), or train on a machine with more memory.",
            Assert.Throws<InputException>(() => MemoryCheck.RequireHeld(model, 5_000_000_000)).Message);
        MemoryModel taught = model with { Teacher = Config with { LayerCount = 88 } };
        Assert.Equal(
            "memory: weights in float32, with the teacher's, and the frozen ones that are made by turning them take at least 28.4 GB, and 12.0 GB is available. "
            + "Set qat.use_incoherence to false (10.2 GB at least; leaves outliers as they are), or train on a machine with more memory.",
            Assert.Throws<InputException>(() => MemoryCheck.RequireHeld(taught, 12_000_000_000)).Message);
        Assert.EndsWith(
            "Set qat.use_distillation to false (6.6 GB at least; costs quality), or train on a machine with more memory.",
            Assert.Throws<InputException>(() => MemoryCheck.RequireHeld(taught, 8_000_000_000)).Message,
            StringComparison.Ordinal);
        Assert.EndsWith(
            "Set qat.use_distillation to false and qat.use_incoherence to false (2.2 GB at least; costs quality), or train on a machine with more memory.",
            Assert.Throws<InputException>(() => MemoryCheck.RequireHeld(taught, 3_000_000_000)).Message,
            StringComparison.Ordinal);
        MemoryCheck.RequireHeld(model, 7_000_000_000);
    }

    [Fact]
    public void Passes_that_do_not_fit_are_refused_with_the_least_change_of_each_kind_that_fits()
    {
        MemoryModel model = new() { Student = Config, Teacher = Config, Quantizes = true };
        MemorySetting setting = new(BatchRows: 8, Parts: 1, ContextTokens: 2048, Checkpointing: false);
        MemoryProbe probe = new(FirstRowBytes: 30e9, RowBytes: 4e9);
        Assert.Equal(
            "memory: training with 8 rows of 2048 tokens at once takes about 58.0 GB, and 40.0 GB is available. "
            + "Set training.accumulation_steps to 4 (about 34.0 GB; the same training, in smaller parts); "
            + "or training.gradient_checkpointing to true (about 35.2 GB; the same training, slower); "
            + "or qat.use_distillation to false and training.accumulation_steps to 8 and training.gradient_checkpointing to true (about 19.3 GB; costs quality).",
            MemoryCheck.Refusal(probe, model, setting, 40_000_000_000).Message);
    }

    [Fact]
    public void Where_smaller_parts_alone_do_not_fit_smaller_states_come_with_them()
    {
        MemoryModel model = new() { Student = Config, Teacher = Config, Quantizes = true };
        MemorySetting setting = new(BatchRows: 8, Parts: 1, ContextTokens: 2048, Checkpointing: false);
        Assert.Equal(
            "memory: training with 8 rows of 2048 tokens at once takes about 58.0 GB, and 22.0 GB is available. "
            + "Set training.accumulation_steps to 8 and training.gradient_checkpointing to true and training.optimizer_states to \"int8\" (about 17.3 GB; rounds the optimizer's moments); "
            + "or qat.use_distillation to false and training.accumulation_steps to 8 and training.gradient_checkpointing to true (about 19.3 GB; costs quality).",
            MemoryCheck.Refusal(new(FirstRowBytes: 30e9, RowBytes: 4e9), model, setting, 22_000_000_000).Message);
    }

    [Fact]
    public void Where_a_single_row_does_not_fit_the_context_is_the_last_resort_and_then_there_is_none()
    {
        MemoryModel model = new() { Student = Config };
        MemorySetting setting = new(BatchRows: 1, Parts: 1, ContextTokens: 2048, Checkpointing: true);
        MemoryProbe probe = new(FirstRowBytes: 20e9, RowBytes: 0);
        Assert.Equal(
            "memory: training with 1 row of 2048 tokens at once takes about 20.0 GB, and 22.0 GB is available. "
            + "Set training.optimizer_states to \"int8\" (about 13.4 GB; rounds the optimizer's moments); "
            + "or data.context_tokens to 1024 and training.accumulation_steps to 2 (about 17.9 GB; cuts longer texts).",
            MemoryCheck.Refusal(probe, model, setting, 22_000_000_000).Message);
        Assert.EndsWith(
            " and 5.0 GB is available. No setting of the recipe makes it fit: train a smaller model, or on a machine with more memory.",
            MemoryCheck.Refusal(probe, model, setting, 5_000_000_000).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_without_room_ends_before_its_first_step()
    {
        Recipe recipe = MicroData.Recipe(_folder);
        QatPipeline pipeline = new(TimeProvider.System) { AvailableBytes = () => 1_000_000 };
        List<PipelineEvent> events = [];
        pipeline.Reported += events.Add;

        InputException failure = Assert.Throws<InputException>(() => pipeline.Run(recipe, _folder.File("run"), resume: false, TestContext.Current.CancellationToken));

        Assert.Matches(@"^memory: training with 3 rows of 44 tokens at once takes about \S+ [MG]B, and 1 MB is available\. No setting of the recipe makes it fit: ", failure.Message);
        Assert.Empty(events.OfType<PipelineEvent.Trained>());
    }

    [Theory]
    [InlineData(TrainingMode.Blockwise)]
    [InlineData(TrainingMode.EndToEnd)]
    public void A_run_without_room_ends_before_blocks_are_trained_or_the_teacher_is_heard(TrainingMode mode)
    {
        Recipe recipe = MicroData.Recipe(_folder);
        recipe = recipe with { Training = recipe.Training with { Mode = mode, TeacherCache = new() { TopK = 5 } } };
        QatPipeline pipeline = new(TimeProvider.System) { AvailableBytes = () => 1_000_000 };
        List<PipelineEvent> events = [];
        pipeline.Reported += events.Add;

        InputException failure = Assert.Throws<InputException>(() => pipeline.Run(recipe, _folder.File("run"), resume: false, TestContext.Current.CancellationToken));

        Assert.StartsWith("memory: training with 3 rows of 44 tokens at once takes about ", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(events, happening => happening is PipelineEvent.Trained or PipelineEvent.TeacherOutputsKept);
        Assert.False(Directory.Exists(_folder.File("run")));
    }

    [Fact]
    public void A_model_without_room_is_refused_before_it_is_loaded()
    {
        Recipe recipe = MicroData.Recipe(_folder);
        File.Delete(Path.Combine(recipe.Model, "model.safetensors"));
        QatPipeline pipeline = new(TimeProvider.System) { AvailableBytes = () => 1000 };

        InputException failure = Assert.Throws<InputException>(() => pipeline.Run(recipe, _folder.File("run"), resume: false, TestContext.Current.CancellationToken));

        Assert.StartsWith("memory: weights, gradients and optimizer, with the teacher's weights, take at least 1 MB, and 1 MB is available.", failure.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.File("run")));
    }

    [Theory]
    [InlineData(TrainingMode.Blockwise)]
    [InlineData(TrainingMode.EndToEnd)]
    public void Looking_for_room_changes_nothing_of_the_training(TrainingMode mode)
    {
        Recipe recipe = MicroData.Recipe(_folder);
        recipe = recipe with { Training = recipe.Training with { Mode = mode } };
        Dictionary<string, byte[]>[] models = [.. new long?[] { null, 1L << 50 }.Select(available =>
        {
            QatPipeline pipeline = new(TimeProvider.System) { AvailableBytes = () => available };
            return MicroData.Files(pipeline.Run(recipe, _folder.File($"run{available}"), resume: false, TestContext.Current.CancellationToken)!.ModelFolder);
        })];
        Assert.Equal(models[0], models[1]);
    }

    [Fact]
    public void Pretraining_looks_for_room_as_well()
    {
        PretrainRecipe recipe = new()
        {
            Architecture = new() { HiddenSize = 16, IntermediateSize = 24, Layers = 1, Heads = 2, KeyValueHeads = 1, ContextTokens = MicroData.ContextTokens },
            Tokenizer = new() { VocabularySize = 280 },
            Data = MicroData.Write(_folder),
            Training = new() { BatchTokens = 3 * MicroData.ContextTokens },
        };

        InputException held = Assert.Throws<InputException>(() => Run(1000));
        Assert.StartsWith("memory: weights, gradients and optimizer take at least 1 MB, ", held.Message, StringComparison.Ordinal);
        InputException room = Assert.Throws<InputException>(() => Run(1_000_000));
        Assert.StartsWith("memory: training with 3 rows of 44 tokens at once takes about ", room.Message, StringComparison.Ordinal);

        object? Run(long availableBytes) => new Pretraining(TimeProvider.System) { AvailableBytes = () => availableBytes }
            .Run(recipe, _folder.File($"run{availableBytes}"), resume: false, TestContext.Current.CancellationToken);
    }
}
