using Pique.Models.Llama;
using Pique.Training;

namespace Pique.Tests.Training;

/// <summary>What disks, power cuts and full file systems do to checkpoints, and that a resumed run ends in the same bytes all the same.</summary>
public sealed class CheckpointFaultTests : IClassFixture<CheckpointFaultTests.Runs>, IDisposable
{
    private static readonly string[] Files = ["model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"];
    private static readonly string[] Blows = ["empty", "half", "one byte short", "one byte long", "first bit", "middle bit", "last bit", "missing", "of another checkpoint"];

    private readonly Runs _runs;
    private readonly TemporaryFolder _broken = new();
    private readonly List<TrainingEvent> _events = [];

    public CheckpointFaultTests(Runs runs)
    {
        _runs = runs;
        foreach (string file in Directory.EnumerateFiles(runs.Interrupted.Path, "*", SearchOption.AllDirectories))
        {
            string copy = Path.Combine(_broken.Path, Path.GetRelativePath(runs.Interrupted.Path, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    private string Newest => Path.Combine(_broken.Path, Trainer.CheckpointsName, "step-000007");

    /// <summary>Everything that can befall one file.</summary>
    public static TheoryData<string, string> Damages
    {
        get
        {
            TheoryData<string, string> damages = [];
            foreach (string file in Files)
            {
                foreach (string blow in Blows)
                    damages.Add(file, blow);
            }

            return damages;
        }
    }

    public void Dispose() => _broken.Dispose();

    [Theory]
    [MemberData(nameof(Damages))]
    public void A_damaged_file_of_the_newest_checkpoint_leads_to_the_one_before_and_to_the_same_bytes(string file, string damage)
    {
        string path = Path.Combine(Newest, file);
        byte[] bytes = File.ReadAllBytes(path);
        switch (damage)
        {
            case "empty": File.WriteAllBytes(path, []); break;
            case "half": File.WriteAllBytes(path, bytes[..(bytes.Length / 2)]); break;
            case "one byte short": File.WriteAllBytes(path, bytes[..^1]); break;
            case "one byte long": File.WriteAllBytes(path, [.. bytes, (byte)'!']); break;
            case "first bit": Flip(path, bytes, 0); break;
            case "middle bit": Flip(path, bytes, bytes.Length / 2); break;
            case "last bit": Flip(path, bytes, bytes.Length - 1); break;
            case "missing": File.Delete(path); break;
            default: File.Copy(Path.Combine(_broken.Path, Trainer.CheckpointsName, "step-000006", file), path, overwrite: true); break;
        }

        using LlamaModel actual = TrainerTests.Student();
        Train(actual, _broken.Path, resume: true);

        TrainingEvent.CheckpointRejected rejected = Assert.Single(_events.OfType<TrainingEvent.CheckpointRejected>());
        Assert.Equal(Newest, rejected.Folder);
        // Another checkpoint's manifest is a sound text; it is the files that do not fit it.
        Assert.StartsWith(file == "manifest.json" && damage == "of another checkpoint" ? "model.safetensors" : file, rejected.Reason, StringComparison.Ordinal);
        Assert.Equal(6, _events.OfType<TrainingEvent.Resumed>().Single().Step);
        AssertFinishedAlike(actual);
    }

    [Fact]
    public void A_half_written_checkpoint_is_deleted_told_and_no_hindrance()
    {
        string partial = Path.Combine(_broken.Path, Trainer.CheckpointsName, ".partial-step-000009");
        Directory.Move(Newest, partial);
        File.Delete(Path.Combine(partial, "manifest.json"));

        using LlamaModel actual = TrainerTests.Student();
        Train(actual, _broken.Path, resume: true);

        Assert.Equal(partial, _events.OfType<TrainingEvent.PartialCheckpointRemoved>().Single().Folder);
        Assert.Empty(_events.OfType<TrainingEvent.CheckpointRejected>());
        AssertFinishedAlike(actual);
    }

    [Fact]
    public void With_every_checkpoint_damaged_the_run_says_so_and_leaves_the_model_alone()
    {
        string checkpoints = Path.Combine(_broken.Path, Trainer.CheckpointsName);
        foreach (string folder in Directory.EnumerateDirectories(checkpoints))
            File.WriteAllBytes(Path.Combine(folder, "state.json"), []);

        using LlamaModel student = TrainerTests.Student(), untouched = TrainerTests.Student();
        InputException failure = Assert.Throws<InputException>(() => Train(student, _broken.Path, resume: true));

        Assert.Equal($"{checkpoints}: all 2 checkpoints are damaged; delete the folder to start anew.", failure.Message);
        Assert.Equal(["step-000007", "step-000006"], _events.OfType<TrainingEvent.CheckpointRejected>().Select(rejected => Path.GetFileName(rejected.Folder)));
        TinyRun.AssertSameBytes(untouched, student);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    [InlineData(40_000)]
    public void A_disk_that_fills_up_ends_the_run_and_once_there_is_room_it_goes_on_to_the_same_bytes(long roomBytes)
    {
        using LlamaModel stopped = TrainerTests.Student(), actual = TrainerTests.Student();
        RunFailedException failure = Assert.Throws<RunFailedException>(() => Train(stopped, _broken.Path, resume: true, disk: new FullDisk(roomBytes)));
        Assert.Equal(
            $"{Path.Combine(_broken.Path, Trainer.CheckpointsName, "step-000009")}: the checkpoint cannot be written (No space left on device); earlier ones are as they were. "
            + "Make room on the disk or mend its permissions, then continue with --resume.",
            failure.Message);
        Assert.Equal(["step-000006", "step-000007"], Directory.EnumerateFileSystemEntries(Path.Combine(_broken.Path, Trainer.CheckpointsName)).Select(Path.GetFileName).Order());

        Train(actual, _broken.Path, resume: true);
        AssertFinishedAlike(actual);
    }

    private static void Flip(string path, byte[] bytes, int place)
    {
        // The highest bit: no such change leaves a JSON text valid, blanks included.
        bytes[place] ^= 0x80;
        File.WriteAllBytes(path, bytes);
    }

    private void AssertFinishedAlike(LlamaModel actual)
    {
        TinyRun.AssertSameBytes(_runs.Expected, actual);
        foreach (string file in Files)
        {
            string[] paths = [.. new[] { _runs.Whole.Path, _broken.Path }.Select(folder => Path.Combine(folder, Trainer.CheckpointsName, "step-000010", file))];
            Assert.Equal(File.ReadAllBytes(paths[0]), File.ReadAllBytes(paths[1]));
        }
    }

    private void Train(LlamaModel student, string folder, bool resume = false, FullDisk? disk = null)
    {
        _events.Clear();
        TrainerOptions options = TrainerTests.QatOptions(folder) with { Resume = resume };
        _runs.Train(student, disk is null ? options : options with { CreateCheckpointFile = disk.Create }, _events);
    }

    /// <summary>A run that went through and one that was interrupted after step 7, made once for all tests.</summary>
    public sealed class Runs : IDisposable
    {
        private readonly LlamaModel _teacher = TinyRun.Model(2);

        public Runs()
        {
            Train(Expected, TrainerTests.QatOptions(Whole.Path), []);
            using LlamaModel student = TrainerTests.Student();
            Train(student, TrainerTests.QatOptions(Interrupted.Path), [], interruptAt: 7);
        }

        internal TemporaryFolder Whole { get; } = new();

        internal TemporaryFolder Interrupted { get; } = new();

        internal LlamaModel Expected { get; } = TrainerTests.Student();

        public void Dispose()
        {
            Whole.Dispose();
            Interrupted.Dispose();
            Expected.Dispose();
            _teacher.Dispose();
        }

        internal void Train(LlamaModel student, TrainerOptions options, List<TrainingEvent> events, int? interruptAt = null)
        {
            using CancellationTokenSource interrupt = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            using Trainer trainer = new(student, new TinyBatches(), options, _teacher);
            trainer.Reported += happening =>
            {
                events.Add(happening);
                if (happening is TrainingEvent.StepCompleted step && step.Metrics.Step == interruptAt)
                    interrupt.Cancel();
            };
            trainer.Run(interrupt.Token);
        }
    }
}
