using System.Globalization;
using Pique.Configuration;
using Pique.Data;
using Pique.Formats;
using Pique.Models.Llama;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>The activations that block-wise training goes by, on disk: the student's ahead of the block in training, the teacher's behind it.</summary>
/// <remarks>
/// EfficientQAT's Block-AP (Chen et al. 2024, arXiv:2407.11062, section 3.2): the input of a block is what the quantized blocks before it
/// give, its target what the full-precision block gives on the full-precision stream. A resumed run takes a file only where it proves
/// to be what would be computed anew; what is missing is computed from the nearest file before it, or from the tokens.
/// </remarks>
internal sealed class ActivationStore : IDisposable
{
    /// <summary>Name of the folder in the run folder.</summary>
    public const string FolderName = "activations";

    private const string StudentName = "student";
    private const string TeacherName = "teacher";

    private readonly string _folder;
    private readonly PackedDataset _data;
    private readonly ActivationShape _shape;
    private readonly ActivationKeys _keys;
    private readonly int _batchRows;
    private readonly Action<int, int> _progress;
    private readonly CancellationToken _cancellation;
    private readonly Side _studentSide;
    private readonly Side _teacherSide;
    private readonly int[] _rowTokens;

    /// <summary>Prepares the folder. Nothing is computed yet.</summary>
    /// <param name="runFolder">The run folder.</param>
    /// <param name="student">The student, its quantizers in place.</param>
    /// <param name="teacher">The teacher.</param>
    /// <param name="teacherDigest">SHA-256 of the teacher.</param>
    /// <param name="computeType">Type of the matrix products.</param>
    /// <param name="data">Training rows.</param>
    /// <param name="shape">How many of them.</param>
    /// <param name="batchRows">Rows at once in a pass without gradients.</param>
    /// <param name="progress">Told the place, in blocks passed, and the rows done.</param>
    /// <param name="cancellation">Ends a pass with an <see cref="OperationCanceledException"/>; nothing half written is left.</param>
    public ActivationStore(
        string runFolder,
        LlamaModel student,
        LlamaModel teacher,
        string teacherDigest,
        ComputeType computeType,
        PackedDataset data,
        ActivationShape shape,
        int batchRows,
        Action<int, int> progress,
        CancellationToken cancellation)
    {
        _folder = Path.Combine(runFolder, FolderName);
        _data = data;
        _shape = shape;
        _batchRows = batchRows;
        _progress = progress;
        _cancellation = cancellation;
        _keys = new(student, teacherDigest, computeType, data, shape);
        _studentSide = new(StudentName, student, _keys.OfStudent);
        _teacherSide = new(TeacherName, teacher, _keys.OfTeacher);
        _rowTokens = [.. Enumerable.Range(0, shape.Rows).Select(TokensOf)];
        Directory.CreateDirectory(_folder);
        foreach (string partial in Directory.EnumerateFiles(_folder, "*" + AtomicFile.PartialSuffix))
            File.Delete(partial);
    }

    /// <summary>Refuses to begin where the disk has no room.</summary>
    /// <param name="runFolder">The run folder.</param>
    /// <param name="shape">Shape of the activations.</param>
    /// <param name="freeBytes">Free bytes of the disk; null where unknown.</param>
    /// <exception cref="InputException">There is no room; the message advises how many rows there is room for.</exception>
    public static void RequireRoom(string runFolder, ActivationShape shape, long? freeBytes)
    {
        string folder = Path.Combine(runFolder, FolderName);
        long present = Directory.Exists(folder) ? Directory.EnumerateFiles(folder).Sum(file => new FileInfo(file).Length) : 0;
        long needed = ActivationShape.FilesAtOnce * shape.FileBytes;
        if (freeBytes is not { } free || needed <= free + present)
            return;
        long rows = (free + present) / (ActivationShape.FilesAtOnce * shape.RowBytes);
        string advice = rows > 0 ? $"Set training.blockwise.rows to {rows} or less, or choose" : "Choose";
        throw new InputException(string.Create(
            CultureInfo.InvariantCulture,
            $"{folder}: the activations of {shape.Rows} rows of {shape.ContextTokens} tokens, {shape.HiddenSize} wide, take {Megabytes(needed)} MB on the disk ({ActivationShape.FilesAtOnce} files), and {Megabytes(free + present)} MB are free. {advice} a run folder on a larger disk with --out."));
    }

    /// <summary>Deletes all activations of a run.</summary>
    /// <param name="runFolder">The run folder.</param>
    public static void Delete(string runFolder)
    {
        string folder = Path.Combine(runFolder, FolderName);
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    /// <summary>Brings both streams to a block: the student's ahead of it, the teacher's behind it.</summary>
    /// <param name="block">Block, from 0.</param>
    public void MoveTo(int block)
    {
        Move(_studentSide, block);
        Move(_teacherSide, block + 1);
    }

    /// <summary>Brings the student's stream through the block that both were moved to.</summary>
    /// <returns>Mean squared error of that block over all rows.</returns>
    public double MoveStudentOn()
    {
        using IDisposable noGradient = no_grad();
        using IDisposable held = Hold(_studentSide.Model, LlamaBlock.NamePrefix(_studentSide.Place));
        Error error = new();
        Replace(_studentSide, Write(_studentSide, _studentSide.Place + 1, (first, count) => Pass(_studentSide.Place, first, count, error)));
        return error.Mean(_shape.HiddenSize);
    }

    /// <summary>Rows to train the block on, that both streams were moved to.</summary>
    /// <param name="rows">Numbers of the rows.</param>
    /// <returns>Inputs, targets and which places are tokens; the caller disposes of it.</returns>
    public ActivationBatch Read(ReadOnlySpan<int> rows)
    {
        float[] mask = new float[rows.Length * _shape.ContextTokens];
        int tokens = 0;
        for (int index = 0; index < rows.Length; index++)
        {
            int rowTokens = _rowTokens[rows[index]];
            mask.AsSpan(index * _shape.ContextTokens, rowTokens).Fill(1);
            tokens += rowTokens;
        }

        return new(_studentSide.File!.Read(rows), _teacherSide.File!.Read(rows), tensor(mask, [rows.Length, _shape.ContextTokens, 1]), tokens);
    }

    /// <summary>Mean squared error over all rows of the block that both streams were moved to.</summary>
    /// <param name="block">Block, from 0.</param>
    public double Loss(int block)
    {
        using IDisposable noGradient = no_grad();
        using IDisposable held = Hold(_studentSide.Model, LlamaBlock.NamePrefix(block));
        Error error = new();
        for (int first = 0; first < _shape.Rows; first += _batchRows)
        {
            _cancellation.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            Pass(block, first, Math.Min(_batchRows, _shape.Rows - first), error);
        }

        return error.Mean(_shape.HiddenSize);
    }

    /// <summary>Runs a block.</summary>
    /// <param name="model">Its model.</param>
    /// <param name="block">The block.</param>
    /// <param name="stream">Shape [rows, context, hidden].</param>
    /// <returns>Same shape.</returns>
    internal static Tensor Advance(LlamaModel model, LlamaBlock block, Tensor stream)
    {
        using DisposeScope scope = NewDisposeScope();
        AttentionContext context = AttentionContext.Create(model.Rotary, (int)stream.shape[1], null, stream.device);
        return block.Advance(stream, context).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _studentSide.File?.Dispose();
        _teacherSide.File?.Dispose();
    }

    private void Move(Side side, int block)
    {
        using IDisposable noGradient = no_grad();
        if (side.File is null)
            OpenNearest(side, block);
        while (side.Place < block)
            Replace(side, side.Place < 0 ? Embed(side) : Pass(side, side.Place));
    }

    private static void Replace(Side side, ActivationFile written)
    {
        side.File?.Delete();
        (side.File, side.Place) = (written, side.Place + 1);
    }

    /// <summary>What leaves the student's block for consecutive rows, and how far it is from what leaves the teacher's.</summary>
    private Tensor Pass(int block, int first, int count, Error error)
    {
        using ActivationBatch batch = Read([.. Enumerable.Range(first, count)]);
        Tensor output = Advance(_studentSide.Model, _studentSide.Model.Backbone.Blocks[block], batch.Inputs);
        using Tensor squares = BlockLoss.SumOfSquares(output, batch);
        error.Add(squares.item<float>(), batch.TokenCount);
        return output;
    }

    /// <summary>Takes up the file at a place or the nearest before it, and deletes all others of its side.</summary>
    private void OpenNearest(Side side, int block)
    {
        for (int place = block; place >= 0 && side.File is null; place--)
        {
            if (File.Exists(PathOf(side, place)) && ActivationFile.TryOpen(PathOf(side, place), side.Key(place), _shape) is { } file)
                (side.File, side.Place) = (file, place);
        }

        string? taken = side.File is null ? null : PathOf(side, side.Place);
        foreach (string other in Directory.EnumerateFiles(_folder, side.Name + "-*").Where(path => path != taken))
            File.Delete(other);
    }

    private ActivationFile Embed(Side side)
    {
        using IDisposable held = Hold(side.Model, "model.embed_tokens");
        return Write(side, 0, (first, count) =>
        {
            using TokenBatch batch = _data.Rows(first, count);
            return side.Model.Backbone.Embedding.forward(batch.Inputs);
        });
    }

    private ActivationFile Pass(Side side, int block)
    {
        using IDisposable held = Hold(side.Model, LlamaBlock.NamePrefix(block));
        LlamaBlock layer = side.Model.Backbone.Blocks[block];
        return Write(side, block + 1, (first, count) => Advance(side.Model, layer, side.File!.Read([.. Enumerable.Range(first, count)])));
    }

    private ActivationFile Write(Side side, int place, Func<int, int, Tensor> compute) =>
        ActivationFile.Write(PathOf(side, place), side.Key(place), _shape, _batchRows, (first, count) =>
        {
            _cancellation.ThrowIfCancellationRequested();
            Tensor rows = compute(first, count);
            _progress(place, first + count);
            return rows;
        });

    private string PathOf(Side side, int place) => Path.Combine(_folder, string.Create(CultureInfo.InvariantCulture, $"{side.Name}-{place:D4}.safetensors"));

    /// <summary>Records are laid into a row from its start, without gaps.</summary>
    private int TokensOf(int row)
    {
        using TokenBatch batch = _data.Rows(row, 1);
        return batch.TokenCount;
    }

    private static IDisposable Hold(LlamaModel model, string prefix) =>
        ModelQuantizer.HoldWeights([.. model.QuantizableLayers.Where(entry => entry.Name.StartsWith(prefix, StringComparison.Ordinal))]);

    private static long Megabytes(long bytes) => (bytes + 999_999) / 1_000_000;

    /// <summary>Squared errors of many rows.</summary>
    private sealed class Error
    {
        private double _squares;
        private long _tokens;

        public void Add(double squares, int tokens)
        {
            _squares += squares;
            _tokens += tokens;
        }

        public double Mean(int width) => _squares / _tokens / width;
    }

    /// <summary>One of the two residual streams.</summary>
    private sealed class Side(string name, LlamaModel model, Func<int, string> key)
    {
        public string Name => name;

        public LlamaModel Model => model;

        /// <summary>What the stream ahead of a block depends on.</summary>
        public Func<int, string> Key => key;

        /// <summary>The file it lies in.</summary>
        public ActivationFile? File { get; set; }

        /// <summary>Blocks it has passed; −1 before the embedding.</summary>
        public int Place { get; set; } = -1;
    }
}
