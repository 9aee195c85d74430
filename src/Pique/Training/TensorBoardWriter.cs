using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Pique.Training;

/// <summary>Writes steps as scalars into an event file of TensorBoard, one event a step with the fields of metrics.jsonl.</summary>
/// <remarks>
/// A file of TFRecords: length (u64), masked CRC-32C of those bytes, content, masked CRC-32C of it; little-endian, the mask being a rotation
/// right by 15 bits plus 0xa282ead8. A content is a protocol buffer "Event" (tensorflow/core/util/event.proto): wall time, step, version or summary.
/// The writer that TorchSharp offers names its files by clock and host, opens the file anew for every value and takes times as float32; none of that would do for a run that is resumed.
/// </remarks>
public sealed class TensorBoardWriter : IDisposable
{
    /// <summary>Folder of the event file in the run folder, to be given to "tensorboard --logdir".</summary>
    public const string FolderName = "tensorboard";

    /// <summary>Name of the file; TensorBoard looks for "tfevents" in it.</summary>
    public const string FileName = "events.out.tfevents.pique";

    private const string FormatVersion = "brain.Event:2";
    private const uint CrcMask = 0xa282ead8;

    private readonly FileStream _stream;
    private double _wallSeconds;

    private TensorBoardWriter(FileStream stream, double wallSeconds)
    {
        _stream = stream;
        _wallSeconds = wallSeconds;
    }

    /// <summary>Begins the file anew with the steps a run has done, so that none appears twice after a resume.</summary>
    /// <param name="runFolder">Existing run folder.</param>
    /// <param name="done">Measurements of the steps done, in order.</param>
    /// <param name="time">The clock. Steps follow one another by their own durations, as if the run had never been interrupted.</param>
    /// <exception cref="InputException">The file cannot be made.</exception>
    /// <exception cref="RunFailedException">The disk fails.</exception>
    public static TensorBoardWriter Open(string runFolder, IReadOnlyList<StepMetrics> done, TimeProvider time)
    {
        string folder = Path.Combine(runFolder, FolderName);
        FileStream stream;
        try
        {
            Directory.CreateDirectory(folder);
            stream = new FileStream(Path.Combine(folder, FileName), FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{folder}: cannot be written ({failure.Message}); remove it, or train without --tensorboard.", failure);
        }

        double now = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalSeconds;
        TensorBoardWriter writer = new(stream, now - done.Sum(step => step.StepSeconds));
        try
        {
            writer.WriteRecord(writer.Event(step: 0, content => WriteBytes(content, field: 3, Encoding.UTF8.GetBytes(FormatVersion))));
            foreach (StepMetrics step in done)
            {
                writer.Write(step);
            }

            return writer;
        }
        catch (IOException failure)
        {
            writer.Dispose();
            throw new RunFailedException($"{folder}: writing failed ({failure.Message}). Make room on the disk or mend it, then continue with --resume.", failure);
        }
    }

    /// <summary>Appends a step.</summary>
    /// <param name="metrics">Its measurements; values that are absent or not finite are left out.</param>
    public void Write(StepMetrics metrics)
    {
        _wallSeconds += metrics.StepSeconds;
        WriteRecord(Event(metrics.Step, content =>
        {
            using MemoryStream summary = new();
            foreach ((string tag, double value) in Scalars(metrics))
            {
                WriteBytes(summary, field: 1, Scalar(tag, (float)value));
            }

            WriteBytes(content, field: 5, summary.ToArray());
        }));
    }

    /// <inheritdoc/>
    public void Dispose() => _stream.Dispose();

    private static IEnumerable<(string Tag, double Value)> Scalars(StepMetrics metrics)
    {
        (string, double?)[] all =
        [
            ("loss", metrics.Loss),
            ("task_loss", metrics.TaskLoss),
            ("kd_loss", metrics.KdLoss),
            ("reasoning_loss", metrics.ReasoningLoss),
            ("held_out_loss", metrics.HeldOutLoss),
            ("grad_norm", metrics.GradNorm),
            ("learning_rate", metrics.LearningRate),
            ("quantization_strength", metrics.QuantizationStrength),
            ("tokens_per_second", metrics.TokensPerSecond),
            ("step_seconds", metrics.StepSeconds),
            ("peak_memory_bytes", metrics.PeakMemoryBytes),
        ];
        foreach ((string tag, double? value) in all)
        {
            if (value is { } number && double.IsFinite(number))
            {
                yield return (tag, number);
            }
        }
    }

    /// <summary>Event: 1 wall time (double), 2 step (varint), 3 version or 5 summary.</summary>
    private byte[] Event(int step, Action<Stream> writeRest)
    {
        using MemoryStream content = new();
        Span<byte> number = stackalloc byte[sizeof(double)];
        content.WriteByte(Key(field: 1, wireType: 1));
        BinaryPrimitives.WriteDoubleLittleEndian(number, _wallSeconds);
        content.Write(number);
        content.WriteByte(Key(field: 2, wireType: 0));
        WriteVarint(content, (ulong)step);
        writeRest(content);
        return content.ToArray();
    }

    /// <summary>Summary.Value: 1 tag (text), 2 value (float).</summary>
    private static byte[] Scalar(string tag, float value)
    {
        using MemoryStream content = new();
        Span<byte> number = stackalloc byte[sizeof(float)];
        WriteBytes(content, field: 1, Encoding.UTF8.GetBytes(tag));
        content.WriteByte(Key(field: 2, wireType: 5));
        BinaryPrimitives.WriteSingleLittleEndian(number, value);
        content.Write(number);
        return content.ToArray();
    }

    private static void WriteBytes(Stream stream, int field, byte[] bytes)
    {
        stream.WriteByte(Key(field, wireType: 2));
        WriteVarint(stream, (ulong)bytes.Length);
        stream.Write(bytes);
    }

    private static byte Key(int field, int wireType) => (byte)((field << 3) | wireType);

    private static void WriteVarint(Stream stream, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            stream.WriteByte((byte)(value | 0x80));
        }

        stream.WriteByte((byte)value);
    }

    private void WriteRecord(byte[] content)
    {
        Span<byte> head = stackalloc byte[sizeof(ulong) + sizeof(uint)];
        Span<byte> tail = stackalloc byte[sizeof(uint)];
        BinaryPrimitives.WriteUInt64LittleEndian(head, (ulong)content.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(head[sizeof(ulong)..], MaskedCrc(head[..sizeof(ulong)]));
        BinaryPrimitives.WriteUInt32LittleEndian(tail, MaskedCrc(content));
        _stream.Write([.. head, .. content, .. tail]);
    }

    private static uint MaskedCrc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc = BitOperations.Crc32C(crc, value);
        }

        return BitOperations.RotateRight(~crc, 15) + CrcMask;
    }
}
