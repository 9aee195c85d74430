using Pique.Configuration;
using Pique.Models.Llama;
using Pique.Quantization;
using Pique.Training;
using static TorchSharp.torch;

namespace Pique.Tests.Training.Blockwise;

public sealed class BlockwiseResumeTests : IDisposable
{
    private const int BlockSteps = BlockRun.Blocks * BlockRun.StepsPerBlock;
    private const int TotalSteps = BlockSteps + 8;

    private readonly TemporaryFolder _whole = new();
    private readonly TemporaryFolder _broken = new();
    private readonly List<TrainingEvent> _events = [];

    public void Dispose()
    {
        _whole.Dispose();
        _broken.Dispose();
    }

    /// <summary>Inside a block, at its ends, between the phases, and inside the second.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(BlockRun.StepsPerBlock)]
    [InlineData(BlockRun.StepsPerBlock + 1)]
    [InlineData(BlockSteps - 1)]
    [InlineData(BlockSteps)]
    [InlineData(BlockSteps + 1)]
    [InlineData(BlockSteps + 6)]
    public void A_run_interrupted_and_resumed_ends_with_the_bytes_of_one_that_ran_through(int interruptedAt)
    {
        using LlamaModel expected = BlockRun.Student();
        Assert.Equal(TotalSteps, Run(expected, _whole.Path, resume: false)!.Steps);

        using (LlamaModel first = BlockRun.Student())
            Assert.Null(Run(first, _broken.Path, resume: false, interruptAt: interruptedAt));
        Assert.Equal(interruptedAt, NewestStep());
        using LlamaModel actual = BlockRun.Student();
        Run(actual, _broken.Path, resume: true);

        AssertSame(expected, actual);
    }

    [Fact]
    public void A_run_killed_at_any_step_ends_with_the_same_bytes()
    {
        using LlamaModel expected = BlockRun.Student();
        Run(expected, _whole.Path, resume: false);
        for (int step = 3; step < TotalSteps; step += 4)
        {
            using LlamaModel killed = BlockRun.Student();
            Assert.Throws<TimeoutException>(() => Run(killed, _broken.Path, resume: step > 3, killAt: step));
        }

        using LlamaModel actual = BlockRun.Student();
        Run(actual, _broken.Path, resume: true);

        AssertSame(expected, actual);
        Assert.Equal(Enumerable.Range(1, TotalSteps), MetricsWriter.Read(_broken.Path).Select(metrics => metrics.Step));
    }

    [Fact]
    public void Activations_are_taken_up_where_they_are_whole_and_made_again_where_they_are_not()
    {
        using LlamaModel expected = BlockRun.Student();
        Run(expected, _whole.Path, resume: false);
        using (LlamaModel first = BlockRun.Student())
            Run(first, _broken.Path, resume: false, interruptAt: BlockRun.StepsPerBlock + 3);
        string[] files = [.. Directory.EnumerateFiles(BlockRun.Activations(_broken.Path)).Order()];
        Assert.Equal(["student-0001.safetensors", "teacher-0002.safetensors"], files.Select(Path.GetFileName));

        using (LlamaModel second = BlockRun.Student())
            Run(second, _broken.Path, resume: true, interruptAt: BlockRun.StepsPerBlock + 4);
        Assert.Empty(_events.OfType<TrainingEvent.ActivationsKept>());

        byte[] bytes = File.ReadAllBytes(files[0]);
        bytes[^100] ^= 1;
        File.WriteAllBytes(files[0], bytes);
        File.WriteAllText(files[1] + ".partial", "half");
        using LlamaModel actual = BlockRun.Student();
        Run(actual, _broken.Path, resume: true);

        Assert.Equal([0, 0, 0, 0, 1, 1, 1, 1], _events.OfType<TrainingEvent.ActivationsKept>().Select(kept => kept.Block));
        AssertSame(expected, actual);
    }

    [Fact]
    public void Activations_of_other_weights_are_not_taken_up()
    {
        using (LlamaModel first = BlockRun.Student())
            Run(first, _broken.Path, resume: false, interruptAt: 2);
        Directory.Delete(Path.Combine(_broken.Path, Trainer.CheckpointsName), recursive: true);
        using LlamaModel other = BlockRun.Student();
        using (no_grad())
            other.Backbone.Embedding.Weight.mul_(1.01);

        Run(other, _broken.Path, resume: true, interruptAt: 1);

        // The teacher's are those of the same teacher.
        Assert.Equal([0, 0, 0, 0], _events.OfType<TrainingEvent.ActivationsKept>().Select(kept => kept.Block));
    }

    [Fact]
    public void Activations_of_another_compute_type_are_not_taken_up()
    {
        using LlamaModel student = BlockRun.Student(), teacher = BlockRun.Teacher();
        Train(ComputeType.Float32, resume: false);
        Directory.Delete(Path.Combine(_broken.Path, Trainer.CheckpointsName), recursive: true);
        Train(ComputeType.Bfloat16, resume: true);

        // The student's ahead of the first block, the teacher's there and behind it.
        Assert.Equal([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1], _events.OfType<TrainingEvent.ActivationsKept>().Select(kept => kept.Block));

        void Train(ComputeType type, bool resume)
        {
            _events.Clear();
            using CancellationTokenSource cancellation = new();
            TrainerOptions options = BlockRun.Options(_broken.Path) with { Resume = resume };
            using BlockwiseTrainer trainer = new(student, teacher, BlockRun.Data(), options with { Training = options.Training with { ComputeType = type } });
            trainer.Reported += happening =>
            {
                _events.Add(happening);
                if (happening is TrainingEvent.StepCompleted)
                    cancellation.Cancel();
            };
            trainer.Run(cancellation.Token);
        }
    }

    [Fact]
    public void A_damaged_newest_checkpoint_of_the_scales_leads_back_into_the_blocks()
    {
        using LlamaModel expected = BlockRun.Student();
        Run(expected, _whole.Path, resume: false);
        using (LlamaModel first = BlockRun.Student())
            Run(first, _broken.Path, resume: false, interruptAt: BlockSteps + 1);
        string newest = Path.Combine(_broken.Path, Trainer.CheckpointsName, $"step-{BlockSteps + 1:D6}", "model.safetensors");
        byte[] bytes = File.ReadAllBytes(newest);
        bytes[^5] ^= 1;
        File.WriteAllBytes(newest, bytes);

        using LlamaModel actual = BlockRun.Student();
        Run(actual, _broken.Path, resume: true);

        Assert.Single(_events.OfType<TrainingEvent.CheckpointRejected>());
        Assert.Equal(BlockSteps, Assert.Single(_events.OfType<TrainingEvent.Resumed>()).Step);
        AssertSame(expected, actual);
    }

    [Fact]
    public void The_phase_of_scales_leaves_every_code_and_every_weight_as_it_was()
    {
        using LlamaModel student = BlockRun.Student();
        Dictionary<string, byte[]> codes = [], weights = [], scales = [];
        Run(student, _whole.Path, resume: false, betweenPhases: () =>
        {
            (codes, weights) = (Codes(student), TinyRun.Bytes(student));
            scales = TrainedParameters.Of(student).Quantization.ToDictionary(item => item.Name, item => item.Value.bytes.ToArray());
        });

        Assert.Equal(codes, Codes(student));
        Assert.Equal(weights, TinyRun.Bytes(student));
        Assert.All(TrainedParameters.Of(student).Quantization, item => Assert.False(scales[item.Name].AsSpan().SequenceEqual(item.Value.bytes), item.Name));
    }

    [Fact]
    public void A_new_run_does_not_write_over_an_old_one()
    {
        using LlamaModel student = BlockRun.Student();
        Run(student, _broken.Path, resume: false, interruptAt: 2);
        InputException failure = Assert.Throws<InputException>(() => Run(student, _broken.Path, resume: false));
        Assert.Equal($"{Path.Combine(_broken.Path, Trainer.CheckpointsName)}: holds checkpoints of an earlier run; resume it, or choose another run folder.", failure.Message);
    }

    /// <returns>The outcome; null where it was interrupted.</returns>
    private TrainingResult? Run(LlamaModel student, string folder, bool resume, int? interruptAt = null, int? killAt = null, Action? betweenPhases = null)
    {
        _events.Clear();
        using CancellationTokenSource cancellation = new();
        void Observe(TrainingEvent happening)
        {
            _events.Add(happening);
            if (happening is not TrainingEvent.StepCompleted { Metrics.Step: var step })
                return;
            if (step == interruptAt)
                cancellation.Cancel();
            if (step == killAt)
                throw new TimeoutException(); // Ends the run at once, as a kill would.
        }

        using LlamaModel teacher = BlockRun.Teacher();
        using (BlockwiseTrainer trainer = new(student, teacher, BlockRun.Data(), BlockRun.Options(folder) with { Resume = resume }, laterSteps: 8))
        {
            trainer.Reported += Observe;
            if (trainer.Run(cancellation.Token).Interrupted)
                return null;
        }

        ModelQuantizer.FixCodes(student, student.QuantizableLayers);
        betweenPhases?.Invoke();
        using Trainer scales = new(student, BlockRun.Data(), BlockRun.ScaleOptions(folder), teacher);
        scales.Reported += Observe;
        TrainingResult result = scales.Run(cancellation.Token);
        return result.Interrupted ? null : result;
    }

    private int NewestStep() => CheckpointStore.StepOf(new CheckpointStore(Path.Combine(_broken.Path, Trainer.CheckpointsName), 1).Folders[0])!.Value;

    private void AssertSame(LlamaModel expected, LlamaModel actual)
    {
        TinyRun.AssertSameBytes(expected, actual);
        Assert.All(
            TrainedParameters.Of(expected).Saved.Zip(TrainedParameters.Of(actual).Saved),
            pair => Assert.True(pair.First.Value.bytes.SequenceEqual(pair.Second.Value.bytes), pair.First.Name));
        string name = Path.Combine(Trainer.CheckpointsName, $"step-{TotalSteps:D6}");
        Assert.All(
            (string[])["model.safetensors", "optimizer.safetensors", "state.json"],
            file => Assert.Equal(File.ReadAllBytes(Path.Combine(_whole.Path, name, file)), File.ReadAllBytes(Path.Combine(_broken.Path, name, file))));
        Assert.Equal(
            MetricsWriter.Read(_whole.Path).Select(metrics => (metrics.Step, metrics.Loss)), MetricsWriter.Read(_broken.Path).Select(metrics => (metrics.Step, metrics.Loss)));
        Assert.False(Directory.Exists(BlockRun.Activations(_broken.Path)));
    }

    private static Dictionary<string, byte[]> Codes(LlamaModel model) => ModelQuantizer.Convert(model.QuantizableLayers).ToDictionary(entry => entry.Key, entry => entry.Value.PackedCodes.ToArray());
}
