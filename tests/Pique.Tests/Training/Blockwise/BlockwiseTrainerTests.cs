using System.Text.Json;
using Pique.Configuration;
using Pique.Data;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Training.Blockwise;

public sealed class BlockwiseTrainerTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<TrainingEvent> _events = [];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(GridKind.TwosComplement, true)]
    [InlineData(GridKind.Affine, true)]
    [InlineData(GridKind.HalfInteger, false)]
    public void The_error_of_every_block_falls(GridKind kind, bool learnsScales)
    {
        using LlamaModel student = BlockRun.Student(kind, learnsScales ? null : new SteVariant.Standard()), teacher = BlockRun.Teacher();
        TrainingResult result = Run(student, teacher);

        Assert.Equal((BlockRun.Blocks * BlockRun.StepsPerBlock, 0, false), (result.Steps, result.SkippedSteps, result.Interrupted));
        TrainingEvent.BlockCompleted[] blocks = [.. _events.OfType<TrainingEvent.BlockCompleted>()];
        Assert.Equal([1, 2], blocks.Select(block => block.Block));
        Assert.All(blocks, block => Assert.True(block.LossAfter < 0.8 * block.LossBefore, $"{block}"));
        Assert.Equal(blocks.Select(block => block.LossBefore), _events.OfType<TrainingEvent.BlockStarted>().Select(block => block.Loss));
        Assert.False(Directory.Exists(BlockRun.Activations(_folder.Path)));
    }

    [Fact]
    public void The_loss_is_that_of_the_two_whole_models_at_the_blocks_output_padding_left_out()
    {
        using LlamaModel student = BlockRun.Student(), teacher = BlockRun.Teacher();
        Run(student, teacher);

        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        double squares = 0;
        int tokens = 0;
        for (int row = 0; row < BlockRun.Rows; row++)
        {
            using TokenBatch batch = BlockRun.Data().Rows(row, 1);
            Tensor difference = Stream(student, batch.Inputs).sub(Stream(teacher, batch.Inputs)).narrow(1, 0, batch.TokenCount);
            squares += difference.Squared().sum().item<float>();
            tokens += batch.TokenCount;
        }

        Assert.Equal(squares / tokens / 16, _events.OfType<TrainingEvent.BlockCompleted>().Last().LossAfter, 1e-6);
    }

    [Fact]
    public void Only_the_block_in_training_changes()
    {
        using LlamaModel student = BlockRun.Student(GridKind.Affine), teacher = BlockRun.Teacher();
        Dictionary<string, byte[]> before = Saved(student), between = [];
        Dictionary<string, byte[]> teacherBefore = TinyRun.Bytes(teacher);
        Run(student, teacher, happening =>
        {
            if (happening is TrainingEvent.BlockCompleted { Block: 1 })
                between = Saved(student);
        });
        Dictionary<string, byte[]> after = Saved(student);

        Assert.Equal(Named(before, "layers.0."), Changed(before, between));
        Assert.Equal(Named(before, "layers.1."), Changed(between, after));
        Assert.Contains("quantizer.model.layers.1.mlp.up_proj.zero_point", Changed(between, after));
        Assert.All(teacherBefore, item => Assert.Equal(item.Value, TinyRun.Bytes(teacher)[item.Key]));
        Assert.All(student.parameters(), parameter => Assert.Null(parameter.grad));
    }

    [Fact]
    public void Metrics_count_steps_on_across_blocks_and_epochs_within_them()
    {
        using LlamaModel student = BlockRun.Student(), teacher = BlockRun.Teacher();
        Run(student, teacher);

        JsonElement[] lines = [.. File.ReadLines(Path.Combine(_folder.Path, MetricsWriter.FileName)).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(Enumerable.Range(1, 24), lines.Select(line => line.GetProperty("step").GetInt32()));
        Assert.Equal(
            Enumerable.Range(0, 24).Select(step => (step % BlockRun.StepsPerBlock / 4) + 1), lines.Select(line => line.GetProperty("epoch").GetInt32()));
        Assert.Equal(
            ["step", "epoch", "loss", "task_loss", "kd_loss", "reasoning_loss", "grad_norm", "learning_rate", "quantization_strength", "tokens_per_second", "step_seconds", "peak_memory_bytes", "held_out_loss"],
            lines[0].EnumerateObject().Select(field => field.Name));
        Assert.All(lines, line => Assert.True(line.GetProperty("loss").GetDouble() > 0));
        Assert.Equal(5e-3, lines[12].GetProperty("learning_rate").GetDouble(), 1e-9);
    }

    [Fact]
    public void A_batch_in_parts_trains_alike_up_to_rounding()
    {
        using LlamaModel student = BlockRun.Student(), parted = BlockRun.Student(), teacher = BlockRun.Teacher();
        Run(student, teacher);
        double[] whole = [.. _events.OfType<TrainingEvent.BlockCompleted>().Select(block => block.LossAfter)];
        _events.Clear();
        using TemporaryFolder other = new();
        TrainerOptions options = BlockRun.Options(other.Path);
        Run(parted, teacher, options: options with { Training = options.Training with { AccumulationSteps = 2 } });

        Assert.All(whole.Zip(_events.OfType<TrainingEvent.BlockCompleted>()), pair => Assert.Equal(1, pair.Second.LossAfter / pair.First, 0.02));
    }

    [Fact]
    public void The_recipe_limits_the_rows()
    {
        using LlamaModel student = BlockRun.Student(), teacher = BlockRun.Teacher();
        TrainerOptions options = BlockRun.Options(_folder.Path);
        TrainingResult result = Run(student, teacher, options: options with { Training = options.Training with { Blockwise = new() { Rows = 3 } } });

        Assert.Equal(BlockRun.Blocks * BlockRun.Epochs * 2, result.Steps);
        Assert.All(_events.OfType<TrainingEvent.ActivationsKept>(), kept => Assert.Equal(3, kept.TotalRows));
    }

    [Fact]
    public void Activations_take_three_files_at_most_and_none_at_the_end()
    {
        using LlamaModel student = BlockRun.Student(), teacher = BlockRun.Teacher();
        List<long> bytes = [];
        Run(student, teacher, happening =>
        {
            if (happening is TrainingEvent.ActivationsKept or TrainingEvent.StepCompleted)
                bytes.Add(Directory.EnumerateFiles(BlockRun.Activations(_folder.Path)).Sum(path => new FileInfo(path).Length));
        });

        const long FileBytes = BlockRun.Rows * TinyRun.Context * 16 * sizeof(float);
        const long HeaderBytes = 1024;
        Assert.InRange(bytes.Max(), 2 * FileBytes, 3 * (FileBytes + HeaderBytes));
        Assert.False(Directory.Exists(BlockRun.Activations(_folder.Path)));
    }

    [Fact]
    public void A_disk_without_room_for_the_activations_is_told_before_anything_is_computed()
    {
        using LlamaModel student = BlockRun.Student(), teacher = BlockRun.Teacher();
        using BlockwiseTrainer trainer = new(student, teacher, BlockRun.Data(), BlockRun.Options(_folder.Path)) { FreeBytes = _ => 10_000 };

        InputException failure = Assert.Throws<InputException>(() => trainer.Run(TestContext.Current.CancellationToken));

        Assert.Equal(
            $"{BlockRun.Activations(_folder.Path)}: the activations of 7 rows of 16 tokens, 16 wide, take 1 MB on the disk (3 files), and 1 MB are free. Set training.blockwise.rows to 3 or less, or choose a run folder on a larger disk with --out.",
            failure.Message);
        Assert.False(Directory.Exists(BlockRun.Activations(_folder.Path)));
    }

    [Fact]
    public void Steps_that_are_not_finite_are_passed_over_and_too_many_of_them_end_the_run()
    {
        using LlamaModel student = BlockRun.Student(), teacher = BlockRun.Teacher();
        using (no_grad())
            teacher.Backbone.Blocks[1].FeedForwardNorm.parameters().First().fill_(float.NaN);
        TrainerOptions options = BlockRun.Options(_folder.Path);

        RunFailedException failure = Assert.Throws<RunFailedException>(
            () => Run(student, teacher, options: options with { Training = options.Training with { MaxSkippedSteps = 3 } }));

        Assert.StartsWith("step 15: loss or gradient was not finite in 3 steps in a row, the limit (training.max_skipped_steps). Loss NaN", failure.Message, StringComparison.Ordinal);
        Assert.Contains("step-000012", failure.Message, StringComparison.Ordinal);
        Assert.Equal(3, _events.OfType<TrainingEvent.StepSkipped>().Count());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(BlockRun.Blocks)]
    public void A_block_that_its_last_step_broke_is_not_saved(int broken)
    {
        using LlamaModel student = BlockRun.Student(), teacher = BlockRun.Teacher();

        RunFailedException failure = Assert.Throws<RunFailedException>(() => Run(student, teacher, happening =>
        {
            if (happening is TrainingEvent.StepCompleted { Metrics.Step: var step } && step == broken * BlockRun.StepsPerBlock)
            {
                using (no_grad())
                    student.Backbone.Blocks[broken - 1].FeedForward.DownProjection.Weight.fill_(float.NaN);
            }
        }));

        Assert.StartsWith($"step {broken * BlockRun.StepsPerBlock}: model.layers.{broken - 1}.mlp.down_proj.weight holds a value that is not finite", failure.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder.Path, Trainer.CheckpointsName, $"step-{broken * BlockRun.StepsPerBlock:D6}")));
    }

    [Fact]
    public void Memory_that_runs_out_while_streams_move_on_ends_the_run_and_says_what_to_do()
    {
        using LlamaModel student = BlockRun.Student(), teacher = BlockRun.Teacher();

        RunFailedException failure = Assert.Throws<RunFailedException>(() => Run(student, teacher, happening =>
        {
            if (happening is TrainingEvent.ActivationsKept { Block: 2 })
                empty(1L << 44);
        }));

        Assert.StartsWith($"after step {BlockRun.StepsPerBlock}: there is no memory left to go on. The newest checkpoint is ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Blocks_compute_in_the_type_of_the_recipe()
    {
        using LlamaModel student = BlockRun.Student(), rounded = BlockRun.Student(), teacher = BlockRun.Teacher();
        TrainerOptions options = BlockRun.Options(_folder.Path);
        Run(student, teacher, options: options with { Training = options.Training with { ComputeType = ComputeType.Float32 } });
        double exact = _events.OfType<TrainingEvent.BlockCompleted>().Last().LossAfter;
        _events.Clear();

        using TemporaryFolder other = new();
        options = BlockRun.Options(other.Path);
        Run(rounded, teacher, options: options with { Training = options.Training with { ComputeType = ComputeType.Bfloat16 } });
        double near = _events.OfType<TrainingEvent.BlockCompleted>().Last().LossAfter;

        Assert.Equal(new TrainingEvent.ComputeTypeChosen(ComputeType.Bfloat16, "as the recipe says"), _events.OfType<TrainingEvent.ComputeTypeChosen>().Single());
        Assert.NotEqual(exact, near);
        Assert.InRange(near / exact, 0.9, 1.1);
        Assert.Equal((ScalarType.Float32, ScalarType.Float32), (rounded.ProductType, teacher.ProductType));
        Assert.Equal(ComputeType.Bfloat16, TrainingState.Load(Path.Combine(other.Path, Trainer.CheckpointsName, "step-000024", "state.json")).ComputeType);
    }

    [Fact]
    public void A_step_leaves_no_tensor_behind()
    {
        using LlamaModel student = BlockRun.Student(), teacher = BlockRun.Teacher();
        List<long> live = [];
        Run(student, teacher, happening =>
        {
            if (happening is TrainingEvent.StepCompleted { Metrics.Step: > BlockRun.StepsPerBlock })
                live.Add(DisposeScopeManager.Statistics.ThreadTotalLiveCount);
        });
        Assert.All(live, count => Assert.Equal(live[0], count));
    }

    private TrainingResult Run(LlamaModel student, LlamaModel teacher, Action<TrainingEvent>? observe = null, TrainerOptions? options = null)
    {
        using BlockwiseTrainer trainer = new(student, teacher, BlockRun.Data(), options ?? BlockRun.Options(_folder.Path));
        trainer.Reported += happening =>
        {
            _events.Add(happening);
            observe?.Invoke(happening);
        };
        return trainer.Run(TestContext.Current.CancellationToken);
    }

    /// <summary>The residual stream behind the last block.</summary>
    private static Tensor Stream(LlamaModel model, Tensor tokens)
    {
        Tensor stream = model.Backbone.Embedding.forward(tokens);
        foreach (LlamaBlock block in model.Backbone.Blocks)
            stream = block.Advance(stream, AttentionContext.Create(model.Rotary, (int)tokens.shape[1], null, tokens.device));
        return stream;
    }

    private static Dictionary<string, byte[]> Saved(LlamaModel model)
    {
        using DisposeScope scope = NewDisposeScope();
        return TrainedParameters.Of(model).Saved.ToDictionary(item => item.Name, item => item.Value.detach().contiguous().bytes.ToArray());
    }

    private static string[] Named(Dictionary<string, byte[]> parameters, string part) => [.. parameters.Keys.Where(name => name.Contains(part, StringComparison.Ordinal)).Order()];

    private static string[] Changed(Dictionary<string, byte[]> before, Dictionary<string, byte[]> after) =>
        [.. before.Where(item => !item.Value.AsSpan().SequenceEqual(after[item.Key])).Select(item => item.Key).Order()];
}
