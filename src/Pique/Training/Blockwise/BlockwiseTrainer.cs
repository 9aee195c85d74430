using Pique.Configuration;
using Pique.Data;
using Pique.Formats;
using Pique.Models.Llama;
using Pique.Numerics;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>Trains a student one transformer block after another, each to give what the teacher's block gives; resumable at every step, bit for bit.</summary>
/// <remarks>
/// EfficientQAT's Block-AP (Chen et al. 2024, arXiv:2407.11062, section 3.2): all weights of a block, its scales and its zero points are
/// trained together, by an optimizer of their own. Gradients and moments exist for one block at a time; activations between blocks lie
/// on disk. Embedding, final norm and head stay as calibration left them. Learning rates follow the schedule anew in every block.
/// </remarks>
public sealed class BlockwiseTrainer : IDisposable
{
    private readonly LlamaModel _student;
    private readonly LlamaModel _teacher;
    private readonly PackedDataset _data;
    private readonly TrainerOptions _options;
    private readonly string _runFolder;
    private readonly int _laterSteps;
    private readonly TimeProvider _time;
    private readonly TrainedParameters _parameters;
    private readonly BlockwiseCheckpoint _checkpoint;
    private readonly ActivationShape _shape;
    private readonly RunAccount _run;

    private Learner? _learner;
    private (int Block, int Epoch, int[] Rows)? _order;

    /// <summary>Prepares a run. Nothing is written yet.</summary>
    /// <param name="student">Model to train, its quantizers in place.</param>
    /// <param name="teacher">Frozen model with the same number of blocks and the same width; where the student is rotated, by the same rotation.</param>
    /// <param name="data">Training rows.</param>
    /// <param name="options">Options as of <see cref="TrainerOptions.ForBlocks"/>, with a run folder, where the activations lie too.</param>
    /// <param name="laterSteps">Steps of the phases that follow, for the progress.</param>
    /// <param name="time">Clock for the metrics; null for the system's.</param>
    /// <exception cref="ArgumentException">There is no run folder, or the models differ in shape.</exception>
    public BlockwiseTrainer(LlamaModel student, LlamaModel teacher, PackedDataset data, TrainerOptions options, int laterSteps = 0, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(student);
        ArgumentNullException.ThrowIfNull(teacher);
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(options);
        if (options.RunFolder is not { } runFolder)
            throw new ArgumentException("Block-wise training needs a run folder, which holds the activations between blocks.", nameof(options));
        if ((teacher.Config.LayerCount, teacher.Config.HiddenSize) != (student.Config.LayerCount, student.Config.HiddenSize))
            throw new ArgumentException("Found a teacher of another number of blocks or another width.", nameof(teacher));
        _student = student;
        _teacher = teacher;
        _data = data;
        _options = options;
        _runFolder = runFolder;
        _laterSteps = laterSteps;
        _time = time ?? TimeProvider.System;
        _parameters = TrainedParameters.Of(student);
        _checkpoint = new(runFolder, options, _parameters);
        _run = new(options, state => _checkpoint.Save(state, _learner), () => _learner is null ? null : NonFiniteDiagnosis.FirstWeight(_learner), Report);
        _shape = ShapeOf(student, data, options.Training);
    }

    /// <summary>The type of the matrix products; null before <see cref="Run"/> has chosen it, and where a later phase goes on.</summary>
    internal ComputeTypeChoice? ComputeType { get; private set; }

    /// <summary>Tells what happens, on the thread of <see cref="Run"/>.</summary>
    public event Action<TrainingEvent>? Reported;

    /// <summary>Tells how many bytes are free on the disk of a folder; null where unknown.</summary>
    internal Func<string, long?> FreeBytes { get; init; } = folder => new DriveInfo(Path.GetFullPath(folder)).AvailableFreeSpace;

    private int BlockCount => _student.Config.LayerCount;

    private IEnumerable<TrainedParameters> Blocks => Enumerable.Range(0, BlockCount).Select(block => TrainedParameters.OfBlock(_student, block));

    private int BatchesPerEpoch => (_shape.Rows + _data.RowsPerBatch - 1) / _data.RowsPerBatch;

    private int StepsPerBlock => checked(BatchesPerEpoch * _options.Epochs);

    /// <summary>Steps of a run.</summary>
    public int TotalSteps => checked(StepsPerBlock * BlockCount);

    private TrainingState State => _run.State;

    private bool IsFinished => State.Step >= State.TotalSteps;

    /// <summary>Trains to the end, or to the next step after a cancellation, and leaves a checkpoint of it.</summary>
    /// <param name="cancellation">Ends the run after the step in progress.</param>
    /// <returns>The outcome. Where the run folder's newest checkpoint is of a later phase, the student is as it was.</returns>
    /// <exception cref="InputException">The run folder cannot be used, its disk has no room for the activations, or a checkpoint does not fit the run.</exception>
    /// <exception cref="RunFailedException">Too many steps in a row were not finite, memory ran out, a file could not be written, or the teacher changed.</exception>
    public TrainingResult Run(CancellationToken cancellation = default)
    {
        using RunLock? runLock = _options.RunLock is null ? RunLock.Acquire(_runFolder) : null;
        try
        {
            return RunLocked(cancellation);
        }
        catch (Exception failure) when (Divergence.IsOfMemory(failure))
        {
            throw Divergence.OfMemory(State, failure, _run.Newest);
        }
    }

    private TrainingResult RunLocked(CancellationToken cancellation)
    {
        string teacherDigest = ModelDigest.Compute(_teacher);
        TrainingState initial = new()
        {
            TotalSteps = TotalSteps,
            StepsPerEpoch = BatchesPerEpoch,
            Threads = get_num_threads(),
            FastMath = _options.FastMath,
            Seed = _options.Training.Seed,
            ConfigurationDigest = _options.ConfigurationDigest,
            TeacherDigest = teacherDigest,
        };
        _run.Begin(initial, checkpoint: null);
        if (_checkpoint.Open(_options.Resume, initial, _laterSteps > 0, Report) is { } restored)
        {
            if (restored.State.PriorSteps > 0)
            {
                ActivationStore.Delete(_runFolder);
                return new(TotalSteps, TotalSteps, 0, null, Interrupted: false, teacherDigest);
            }

            // Checkpoints that do not say were computed in float32.
            ComputeType = ComputeTypeChoice.AsBegan(restored.State.ComputeType == Configuration.ComputeType.Auto ? Configuration.ComputeType.Float32 : restored.State.ComputeType);
            _run.Begin(restored.State, restored.Folder);
        }

        ComputeType ??= _options.ComputeType ?? ComputeTypeChoice.Make(_options.Training.ComputeType, _student, _time);
        _run.Begin(State with { ComputeType = ComputeType.Type }, _run.Newest);
        Report(new TrainingEvent.Started(
            TotalSteps + _laterSteps,
            BatchesPerEpoch,
            Blocks.Sum(block => block.Weights.Sum(item => item.Value.numel())),
            Blocks.Sum(block => block.Quantization.Sum(item => item.Value.numel())),
            teacherDigest)
        {
            LaterSteps = _laterSteps,
        });
        Report(new TrainingEvent.ComputeTypeChosen(ComputeType.Type, ComputeType.Reason));
        using StepLog log = StepLog.Open(_options, State, _time);
        bool interrupted = !Train(log, teacherDigest, cancellation);
        FrozenTeacher.RequireUnchanged(_teacher, teacherDigest);
        if (!interrupted)
            ActivationStore.Delete(_runFolder);
        TrainingResult result = new(State.Step, TotalSteps, State.SkippedSteps, log.LastLoss, interrupted, teacherDigest);
        Report(new TrainingEvent.Finished(result));
        return result;
    }

    /// <inheritdoc/>
    public void Dispose() => _learner?.Dispose();

    /// <summary>Shape of the activations of a run.</summary>
    internal static ActivationShape ShapeOf(LlamaModel student, PackedDataset data, TrainingRecipe training) =>
        new(Math.Min(training.Blockwise?.Rows ?? int.MaxValue, data.RowCount), data.ContextTokens, student.Config.HiddenSize);

    /// <returns>False where a cancellation ended it.</returns>
    private bool Train(StepLog log, string teacherDigest, CancellationToken cancellation)
    {
        if (IsFinished)
            return true;
        int rowsAtOnce = (_data.RowsPerBatch + _options.Training.AccumulationSteps - 1) / _options.Training.AccumulationSteps;
        ActivationStore.RequireRoom(_runFolder, _shape, FreeBytes(_runFolder));
        using ActivationStore activations = new(
            _runFolder, _student, _teacher, teacherDigest, State.ComputeType, _data, _shape, rowsAtOnce, (place, rows) => Report(new TrainingEvent.ActivationsKept(place, BlockCount, rows, _shape.Rows)), cancellation);
        try
        {
            (_student.ProductType, _teacher.ProductType) = (ComputeType!.ScalarType, ComputeType.ScalarType);
            while (!IsFinished)
            {
                int block = State.Step / StepsPerBlock;
                if (!TrainBlock(block, activations, log, cancellation))
                    return false;
            }

            return true;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            _run.Save(log); // While streams moved on: no step is in progress.
            return false;
        }
        finally
        {
            log.Write();
            _learner?.Optimizer.ClearGradients();
            (_student.ProductType, _teacher.ProductType) = (ScalarType.Float32, ScalarType.Float32);
        }
    }

    /// <returns>False where a cancellation ended it.</returns>
    private bool TrainBlock(int block, ActivationStore activations, StepLog log, CancellationToken cancellation)
    {
        BeginBlock(block);
        activations.MoveTo(block);
        double? before = State.Step % StepsPerBlock == 0 ? activations.Loss(block) : null;
        Report(new TrainingEvent.BlockStarted(block + 1, BlockCount, before));
        _run.Memory.ResetPeak();
        BlockStep step = new(_student, _student.Backbone.Blocks[block], _learner!, _options.Training.AccumulationSteps);
        while (State.Step < (block + 1) * StepsPerBlock)
        {
            log.Write();
            if (cancellation.IsCancellationRequested)
            {
                _run.Save(log);
                return false;
            }

            if (State is { Step: > 0, ConsecutiveSkips: 0 } && State.Step % _options.Training.CheckpointSteps == 0)
                _run.Save(log);
            RunStep(block, step, activations, log);
        }

        log.Write();
        EndBlock(block, log);
        Report(new TrainingEvent.BlockCompleted(block + 1, BlockCount, before, block + 1 < BlockCount ? activations.MoveStudentOn() : activations.Loss(block)));
        return true;
    }

    /// <summary>Gives the first block of this call an optimizer: a fresh one, or in the state of the checkpoint.</summary>
    private void BeginBlock(int block)
    {
        if (_learner is not null)
            return;
        _learner = new(TrainedParameters.OfBlock(_student, block), _options);
        if (_run.Newest is { } saved)
            BlockwiseCheckpoint.RestoreOptimizer(saved, State, _learner);
    }

    /// <summary>Gives the next block a fresh optimizer in place of this one's, and keeps what was reached in a checkpoint.</summary>
    private void EndBlock(int block, StepLog log)
    {
        _run.RequireSoundWeights(State);
        _learner!.Dispose();
        _learner = IsFinished ? null : new(TrainedParameters.OfBlock(_student, block + 1), _options);
        _run.Save(log);
    }

    private void RunStep(int block, BlockStep step, ActivationStore activations, StepLog log)
    {
        long started = _time.GetTimestamp();
        (int epoch, int batchIndex) = Math.DivRem(State.Step - (block * StepsPerBlock), BatchesPerEpoch);
        double factor = FactorAt(State.Step - (block * StepsPerBlock));
        using ActivationBatch batch = activations.Read(RowsOf(block, epoch, batchIndex));
        StepOutcome outcome = step.Run(batch, factor);
        double seconds = _time.GetElapsedTime(started).TotalSeconds;
        StepMetrics metrics = _run.Add(log, outcome, epoch, new(factor, Strength: 1), batch.TokenCount, seconds, TotalSteps + _laterSteps);
        if (batchIndex == BatchesPerEpoch - 1)
            _run.EndEpoch(log, metrics);
    }

    /// <summary>All rows once in each epoch, in a seeded order of the block and the epoch.</summary>
    private int[] RowsOf(int block, int epoch, int batchIndex)
    {
        if (_order is not var (ofBlock, ofEpoch, order) || (ofBlock, ofEpoch) != (block, epoch))
        {
            order = [.. Enumerable.Range(0, _shape.Rows)];
            SplitMix64.ForStream(_options.Training.Seed, block, epoch).Shuffle(order.AsSpan());
            _order = (block, epoch, order);
        }

        int first = batchIndex * _data.RowsPerBatch;
        return order[first..Math.Min(order.Length, first + _data.RowsPerBatch)];
    }

    private double FactorAt(int stepOfBlock) => LearningRateCurve.Factor(
        _options.Training.Schedule,
        stepOfBlock,
        StepsPerBlock,
        _options.Training.ScheduleWarmupSteps,
        _options.Training.FinalLearningRateFraction,
        _options.Training.ScheduleDecayShare);

    private void Report(TrainingEvent happening) => Reported?.Invoke(happening);
}
