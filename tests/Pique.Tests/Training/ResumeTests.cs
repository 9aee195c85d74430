using System.Text.Json;
using Pique.Configuration;
using Pique.Formats.Safetensors;
using Pique.Models.Llama;
using Pique.Training;

namespace Pique.Tests.Training;

public sealed class ResumeTests
{
    [Theory]
    [InlineData(true, 1)]
    [InlineData(true, 4)]
    [InlineData(true, 5)]
    [InlineData(true, 9)]
    [InlineData(false, 4)]
    public void A_run_interrupted_and_resumed_ends_with_the_bytes_of_one_that_ran_through(bool freezeTeacher, int interruptedAt)
    {
        using TemporaryFolder whole = new(), broken = new();
        using LlamaModel teacher = TinyRun.Model(2), expected = TrainerTests.Student();
        Train(expected, teacher, whole.Path, freezeTeacher);

        TrainingResult interrupted = Fresh(broken.Path, resume: false, freezeTeacher, interruptedAt, out LlamaModel first, out _);
        first.Dispose();
        Assert.True(interrupted.Interrupted);
        Assert.Equal(interruptedAt, interrupted.Steps);
        TrainingResult resumed = Fresh(broken.Path, resume: true, freezeTeacher, null, out LlamaModel actual, out LlamaModel resumedTeacher);

        Assert.False(resumed.Interrupted);
        TinyRun.AssertSameBytes(expected, actual);
        TinyRun.AssertSameBytes(teacher, resumedTeacher);
        AssertSameFile(whole.Path, broken.Path, "model.safetensors");
        AssertSameFile(whole.Path, broken.Path, "optimizer.safetensors");
        AssertSameFile(whole.Path, broken.Path, "state.json");
        Assert.Equal(LossColumn(whole.Path), LossColumn(broken.Path));
        actual.Dispose();
        resumedTeacher.Dispose();
    }

    [Theory]
    [InlineData(true, false, "fast path of MKL, this run has none (--no-fast-math)")]
    [InlineData(false, true, "no fast path of MKL, this run has one (--no-fast-math)")]
    [InlineData(true, true, null)]
    [InlineData(null, true, null)]
    [InlineData(true, null, null)]
    public void A_run_that_goes_on_with_another_path_of_MKL_says_so(bool? before, bool? now, string? change)
    {
        using TemporaryFolder folder = new();
        using LlamaModel first = TinyRun.Model(), second = TinyRun.Model();
        Run(first, before, resume: false);

        TrainingEvent.Warned[] warnings = [.. Run(second, now, resume: true).OfType<TrainingEvent.Warned>()];

        string checkpoint = Path.Combine(folder.Path, Trainer.CheckpointsName, "step-000002");
        Assert.Equal(
            change is null ? [] : [$"{checkpoint}: the checkpoint was computed with {change}. Sums are rounded otherwise, so the run may end in other bytes than an uninterrupted one."],
            warnings.Select(warning => warning.Message));
        Assert.Equal(now, TrainingState.Load(Path.Combine(folder.Path, Trainer.CheckpointsName, "step-000004", "state.json")).FastMath);

        List<TrainingEvent> Run(LlamaModel model, bool? fastMath, bool resume)
        {
            List<TrainingEvent> events = [];
            using CancellationTokenSource interrupt = new();
            using Trainer trainer = new(model, new TinyBatches(), TinyRun.Options(folder.Path) with { FastMath = fastMath, Resume = resume });
            trainer.Reported += happening =>
            {
                events.Add(happening);
                if (happening is TrainingEvent.StepCompleted { Metrics.Step: 2 or 4 })
                    interrupt.Cancel();
            };
            trainer.Run(interrupt.Token);
            return events;
        }
    }

    [Fact]
    public void A_checkpoint_that_does_not_say_how_it_was_computed_is_resumed_and_one_of_other_threads_told()
    {
        TrainingState state = new() { Threads = 3, FastMath = false };
        string path = Path.Combine(Directory.CreateTempSubdirectory("pique-").FullName, "state.json");
        File.WriteAllText(path, string.Concat(System.Text.Encoding.UTF8.GetString(state.ToJson()).Split('\n').Where(line => !line.Contains("threads", StringComparison.Ordinal) && !line.Contains("fast_math", StringComparison.Ordinal))));
        TrainingState old = TrainingState.Load(path);
        Directory.Delete(Path.GetDirectoryName(path)!, recursive: true);
        List<TrainingEvent> events = [];

        Assert.Equal(state, old.On(state, "run", events.Add));
        Assert.Empty(events);
        Assert.Equal(state with { Threads = 2 }, state.On(state with { Threads = 2 }, "run", events.Add));
        Assert.Equal(
            "run: the checkpoint was computed with 3 threads, this run has 2 (--threads). Sums are rounded otherwise, so the run may end in other bytes than an uninterrupted one.",
            ((TrainingEvent.Warned)Assert.Single(events)).Message);
    }

    [Theory]
    [InlineData(OptimizerStates.Int8, LatentWeights.Float32)]
    [InlineData(OptimizerStates.Float32, LatentWeights.Bfloat16)]
    [InlineData(OptimizerStates.Int8, LatentWeights.Bfloat16)]
    public void States_in_fewer_bits_resume_bit_for_bit(OptimizerStates states, LatentWeights latent)
    {
        using TemporaryFolder whole = new(), broken = new();
        using LlamaModel teacher = TinyRun.Model(2), expected = WideRun.Student();
        Assert.False(WideRun.Train(expected, teacher, WideRun.Options(whole.Path, states, latent), null).Interrupted);
        using (LlamaModel first = WideRun.Student())
            Assert.True(WideRun.Train(first, teacher, WideRun.Options(broken.Path, states, latent), 4).Interrupted);
        using LlamaModel actual = WideRun.Student();
        WideRun.Train(actual, teacher, WideRun.Options(broken.Path, states, latent) with { Resume = true }, null);

        TinyRun.AssertSameBytes(expected, actual);
        AssertSameFile(whole.Path, broken.Path, "model.safetensors");
        AssertSameFile(whole.Path, broken.Path, "optimizer.safetensors");
        AssertSameFile(whole.Path, broken.Path, "state.json");
        using SafetensorsFile optimizer = SafetensorsFile.Open(Path.Combine(whole.Path, Trainer.CheckpointsName, "step-000010", "optimizer.safetensors"));
        Assert.Equal(states == OptimizerStates.Int8 ? SafetensorsDtype.U8 : SafetensorsDtype.F32, optimizer["first_moment.model.layers.0.mlp.up_proj.weight"].Dtype);
        using SafetensorsFile model = SafetensorsFile.Open(Path.Combine(whole.Path, Trainer.CheckpointsName, "step-000010", "model.safetensors"));
        Assert.Equal(latent == LatentWeights.Bfloat16 ? SafetensorsDtype.BF16 : SafetensorsDtype.F32, model["model.layers.0.mlp.up_proj.weight"].Dtype);
        Assert.Equal(SafetensorsDtype.F32, model["model.norm.weight"].Dtype);
    }

    [Fact]
    public void A_checkpoint_with_states_of_another_type_is_refused()
    {
        using TemporaryFolder folder = new();
        using LlamaModel teacher = TinyRun.Model(2), first = WideRun.Student(), second = WideRun.Student();
        WideRun.Train(first, teacher, WideRun.Options(folder.Path, OptimizerStates.Int8, LatentWeights.Float32), 2);
        InputException error = Assert.Throws<InputException>(() =>
            WideRun.Train(second, teacher, WideRun.Options(folder.Path, OptimizerStates.Float32, LatentWeights.Float32) with { Resume = true }, null));
        Assert.Equal(
            $"{Path.Combine(folder.Path, Trainer.CheckpointsName, "step-000002", "optimizer.safetensors")}: tensor \"first_moment.model.layers.0.mlp.gate_proj.weight\" is U8 [128, 48], the run needs F32 [128, 48]; "
            + "resume with the model and configuration the checkpoint was made with.",
            error.Message);
    }

    [Fact]
    public void A_run_killed_between_checkpoints_repeats_the_lost_steps_without_repeating_their_metrics()
    {
        using TemporaryFolder whole = new(), broken = new();
        using LlamaModel teacher = TinyRun.Model(2), expected = TrainerTests.Student();
        Train(expected, teacher, whole.Path, true);
        using (LlamaModel killed = TrainerTests.Student())
        using (Trainer trainer = new(killed, new TinyBatches(), TrainerTests.QatOptions(broken.Path), teacher))
        {
            // An exception from the observer ends the run at once, as a kill would: no checkpoint of step 8 is written.
            trainer.Reported += happening =>
            {
                if (happening is TrainingEvent.StepCompleted { Metrics.Step: 8 })
                {
                    throw new OperationCanceledException();
                }
            };
            Assert.Throws<OperationCanceledException>(() => trainer.Run(TestContext.Current.CancellationToken));
        }

        File.AppendAllText(Path.Combine(broken.Path, MetricsWriter.FileName), "{\"step\":9,\"epo");
        List<TrainingEvent> events = [];
        using LlamaModel actual = TrainerTests.Student();
        Train(actual, teacher, broken.Path, true, resume: true, events);
        Assert.Equal(6, events.OfType<TrainingEvent.Resumed>().Single().Step);
        TinyRun.AssertSameBytes(expected, actual);
        Assert.Equal(LossColumn(whole.Path), LossColumn(broken.Path));
    }

    [Fact]
    public void A_damaged_newest_checkpoint_is_reported_and_the_one_before_it_used()
    {
        using TemporaryFolder whole = new(), broken = new();
        using LlamaModel teacher = TinyRun.Model(2), expected = TrainerTests.Student();
        Train(expected, teacher, whole.Path, true);
        Fresh(broken.Path, resume: false, true, 7, out LlamaModel first, out _);
        first.Dispose();
        string newest = Path.Combine(broken.Path, Trainer.CheckpointsName, "step-000007", "model.safetensors");
        byte[] bytes = File.ReadAllBytes(newest);
        bytes[^5] ^= 1;
        File.WriteAllBytes(newest, bytes);

        List<TrainingEvent> events = [];
        using LlamaModel actual = TrainerTests.Student();
        Train(actual, teacher, broken.Path, true, resume: true, events);

        Assert.Contains("model.safetensors has SHA-256", events.OfType<TrainingEvent.CheckpointRejected>().Single().Reason, StringComparison.Ordinal);
        Assert.Equal(6, events.OfType<TrainingEvent.Resumed>().Single().Step);
        TinyRun.AssertSameBytes(expected, actual);
        Assert.Equal(LossColumn(whole.Path), LossColumn(broken.Path));
    }

    [Fact]
    public void Resuming_a_finished_run_changes_nothing()
    {
        using TemporaryFolder folder = new();
        using LlamaModel teacher = TinyRun.Model(2), expected = TrainerTests.Student(), actual = TrainerTests.Student();
        Train(expected, teacher, folder.Path, true);
        List<TrainingEvent> events = [];
        Train(actual, teacher, folder.Path, true, resume: true, events);
        Assert.Empty(events.OfType<TrainingEvent.StepCompleted>());
        Assert.Empty(events.OfType<TrainingEvent.CheckpointSaved>());
        TinyRun.AssertSameBytes(expected, actual);
    }

    [Fact]
    public void Without_a_checkpoint_resume_starts_from_the_beginning()
    {
        using TemporaryFolder folder = new();
        using LlamaModel teacher = TinyRun.Model(2), student = TrainerTests.Student();
        List<TrainingEvent> events = [];
        Train(student, teacher, folder.Path, true, resume: true, events);
        Assert.Equal(10, events.OfType<TrainingEvent.StepCompleted>().Count());
    }

    [Fact]
    public void A_new_run_does_not_write_over_an_old_one()
    {
        using TemporaryFolder folder = new();
        using LlamaModel teacher = TinyRun.Model(2), student = TrainerTests.Student();
        Train(student, teacher, folder.Path, true);
        InputException error = Assert.Throws<InputException>(() => Train(student, teacher, folder.Path, true));
        Assert.Equal($"{Path.Combine(folder.Path, Trainer.CheckpointsName)}: holds checkpoints of an earlier run; resume it, or choose another run folder.", error.Message);
    }

    [Fact]
    public void A_checkpoint_of_another_run_is_refused_with_every_difference()
    {
        using TemporaryFolder folder = new();
        Fresh(folder.Path, resume: false, true, 2, out LlamaModel first, out _);
        first.Dispose();
        using LlamaModel teacher = TinyRun.Model(2), student = TrainerTests.Student();
        TrainerOptions other = TrainerTests.QatOptions(folder.Path) with { Resume = true, Epochs = 3, ConfigurationDigest = "other" };
        using Trainer trainer = new(student, new TinyBatches(), other, teacher);
        InputException error = Assert.Throws<InputException>(() => trainer.Run(TestContext.Current.CancellationToken));
        Assert.Equal(
            $"{Path.Combine(folder.Path, Trainer.CheckpointsName, "step-000002")}: the checkpoint is of another run: total steps 10, this run has 15; configuration digest tiny, this run has other. Resume with the recipe, data and teacher it was made with, or choose another run folder.",
            error.Message);
    }

    [Fact]
    public void A_checkpoint_of_another_model_is_refused_and_the_model_left_alone()
    {
        using TemporaryFolder folder = new();
        Fresh(folder.Path, resume: false, true, 2, out LlamaModel first, out _);
        first.Dispose();
        using LlamaModel teacher = TinyRun.Model(2), plain = TinyRun.Model(), untouched = TinyRun.Model();
        using Trainer trainer = new(plain, new TinyBatches(), TrainerTests.QatOptions(folder.Path) with { Resume = true }, teacher);
        InputException error = Assert.Throws<InputException>(() => trainer.Run(TestContext.Current.CancellationToken));
        Assert.EndsWith("is unknown to this run; resume with the model and configuration the checkpoint was made with.", error.Message, StringComparison.Ordinal);
        TinyRun.AssertSameBytes(untouched, plain);
    }

    private static TrainingResult Fresh(string folder, bool resume, bool freezeTeacher, int? interruptAt, out LlamaModel student, out LlamaModel teacher)
    {
        student = TrainerTests.Student();
        teacher = TinyRun.Model(2);
        using CancellationTokenSource cancellation = new();
        using Trainer trainer = new(student, new TinyBatches(), TrainerTests.QatOptions(folder) with { Resume = resume, FreezeTeacher = freezeTeacher }, teacher);
        trainer.Reported += happening =>
        {
            if (happening is TrainingEvent.StepCompleted step && step.Metrics.Step == interruptAt)
            {
                cancellation.Cancel();
            }
        };
        return trainer.Run(cancellation.Token);
    }

    private static void Train(LlamaModel student, LlamaModel teacher, string folder, bool freezeTeacher, bool resume = false, List<TrainingEvent>? events = null)
    {
        using Trainer trainer = new(student, new TinyBatches(), TrainerTests.QatOptions(folder) with { Resume = resume, FreezeTeacher = freezeTeacher }, teacher);
        trainer.Reported += happening => events?.Add(happening);
        trainer.Run(TestContext.Current.CancellationToken);
    }

    private static void AssertSameFile(string left, string right, string name)
    {
        static byte[] Read(string folder, string name) => File.ReadAllBytes(Path.Combine(folder, Trainer.CheckpointsName, "step-000010", name));
        Assert.Equal(Read(left, name), Read(right, name));
    }

    /// <summary>Step and loss of every line of metrics.jsonl.</summary>
    private static (int, double)[] LossColumn(string folder) =>
    [
        .. File.ReadLines(Path.Combine(folder, MetricsWriter.FileName))
            .Select(line => JsonDocument.Parse(line).RootElement)
            .Select(line => (line.GetProperty("step").GetInt32(), line.GetProperty("loss").GetDouble())),
    ];
}
