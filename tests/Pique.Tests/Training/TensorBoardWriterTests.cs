using System.Buffers.Binary;
using Pique.Models.Llama;
using Pique.Training;
using Tensorboard;

namespace Pique.Tests.Training;

/// <summary>Reads the event file with the protocol buffers that TorchSharp brings along, and checks its records by a CRC computed bit by bit.</summary>
public sealed class TensorBoardWriterTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_checksum_is_that_of_RFC_3720() => Assert.Equal(0xE3069283, Crc("123456789"u8)); // CRC-32C's check value.

    [Fact]
    public void Every_field_of_a_step_is_a_scalar_and_what_is_no_number_is_left_out()
    {
        StepMetrics step = Step(7) with { HeldOutLoss = 0.5, PeakMemoryBytes = 1 << 20, GradNorm = double.NaN };
        using (TensorBoardWriter writer = TensorBoardWriter.Open(_folder.Path, [], new FixedClock()))
            writer.Write(step);

        Event[] events = Read();
        Assert.Equal("brain.Event:2", events[0].FileVersion);
        Assert.Equal(7, events[1].Step);
        Assert.Equal(
            [
                ("loss", 1.5f), ("task_loss", 1.25f), ("kd_loss", 0.25f), ("reasoning_loss", 0f), ("held_out_loss", 0.5f), ("learning_rate", 1e-3f),
                ("quantization_strength", 1f), ("tokens_per_second", 640f), ("step_seconds", 0.1f), ("peak_memory_bytes", 1048576f),
            ],
            events[1].Summary.Value.Select(value => (value.Tag, value.SimpleValue)));
        Assert.Equal((Now - DateTimeOffset.UnixEpoch).TotalSeconds + 0.1, events[1].WallTime, 1e-6);
    }

    [Fact]
    public void Steps_done_before_stand_before_now_by_their_own_durations()
    {
        using (TensorBoardWriter.Open(_folder.Path, [Step(1), Step(2), Step(300)], new FixedClock()))
        {
        }

        double now = (Now - DateTimeOffset.UnixEpoch).TotalSeconds;
        Assert.Equal([now - 0.3, now - 0.2, now - 0.1, now], Read().Select(entry => entry.WallTime), (left, right) => Math.Abs(left - right) < 1e-6);
        Assert.Equal([0, 1, 2, 300], Read().Select(entry => (int)entry.Step));
    }

    [Fact]
    public void A_disk_that_is_full_fails_the_run_and_the_file_is_let_go()
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder.Path, TensorBoardWriter.FolderName)).FullName;
        string path = Path.Combine(folder, TensorBoardWriter.FileName);
        File.CreateSymbolicLink(path, "/dev/full");

        RunFailedException failure = Assert.Throws<RunFailedException>(() => TensorBoardWriter.Open(_folder.Path, [Step(1)], new FixedClock()));

        Assert.StartsWith($"{folder}: writing failed (", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("). Make room on the disk or mend it, then continue with --resume.", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_run_that_was_resumed_has_each_step_once()
    {
        TrainerOptions options = TinyRun.Options(_folder.Path) with { TensorBoard = true };
        using CancellationTokenSource interrupt = new();
        using (LlamaModel first = TinyRun.Model())
        using (Trainer trainer = new(first, new TinyBatches(), options))
        {
            trainer.Reported += happening =>
            {
                if (happening is TrainingEvent.StepCompleted { Metrics.Step: 4 })
                    interrupt.Cancel();
            };
            trainer.Run(interrupt.Token);
        }

        Assert.Equal([0, 1, 2, 3, 4], Read().Select(entry => (int)entry.Step));
        using LlamaModel second = TinyRun.Model();
        using Trainer resumed = new(second, new TinyBatches(), options with { Resume = true });
        resumed.Run(TestContext.Current.CancellationToken);
        Assert.Equal(Enumerable.Range(0, 11), Read().Select(entry => (int)entry.Step));
        Assert.Equal(["events.out.tfevents.pique"], Directory.EnumerateFileSystemEntries(Path.Combine(_folder.Path, "tensorboard")).Select(Path.GetFileName));
    }

    [Fact]
    public void A_folder_in_whose_place_a_file_lies_is_told_with_what_to_do()
    {
        string path = Path.Combine(_folder.Path, "tensorboard");
        File.WriteAllText(path, "");
        InputException failure = Assert.Throws<InputException>(() => TensorBoardWriter.Open(_folder.Path, [], TimeProvider.System));
        Assert.StartsWith($"{path}: cannot be written (", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("); remove it, or train without --tensorboard.", failure.Message, StringComparison.Ordinal);
    }

    private static StepMetrics Step(int step) => new()
    {
        Step = step,
        Epoch = 1,
        Loss = 1.5,
        TaskLoss = 1.25,
        KdLoss = 0.25,
        ReasoningLoss = 0,
        GradNorm = 2,
        LearningRate = 1e-3,
        QuantizationStrength = 1,
        TokensPerSecond = 640,
        StepSeconds = 0.1,
    };

    private Event[] Read()
    {
        byte[] file = File.ReadAllBytes(Path.Combine(_folder.Path, TensorBoardWriter.FolderName, TensorBoardWriter.FileName));
        List<Event> events = [];
        for (int place = 0; place < file.Length;)
        {
            int length = checked((int)BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(place)));
            Assert.Equal(Masked(file.AsSpan(place, 8)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(place + 8)));
            Assert.Equal(Masked(file.AsSpan(place + 12, length)), BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(place + 12 + length)));
            events.Add(Event.Parser.ParseFrom(file, place + 12, length));
            place += 16 + length;
        }

        return [.. events];
    }

    private static uint Masked(ReadOnlySpan<byte> bytes)
    {
        uint crc = Crc(bytes);
        return unchecked(((crc >> 15) | (crc << 17)) + 0xa282ead8);
    }

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        const uint Polynomial = 0x82F63B78;
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ ((crc & 1) * Polynomial);
        }

        return ~crc;
    }

    private sealed class FixedClock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => Now;
    }
}
