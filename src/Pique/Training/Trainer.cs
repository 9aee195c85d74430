using Pique.Data;
using Pique.Formats;
using Pique.Models;

namespace Pique.Training;

/// <summary>Trains a student on batches, under a teacher or alone, with or without quantizers; resumable at every step, bit for bit.</summary>
/// <remarks>
/// A step: batch → losses → gradients → clip → AdamW → quantizer invariants → metrics. A step whose loss or gradient is not finite is passed over.
/// The same models, data, options and thread count give the same bytes.
/// </remarks>
public sealed class Trainer : IDisposable
{
    /// <summary>Name of the checkpoints' folder in the run folder.</summary>
    public const string CheckpointsName = "checkpoints";

    private readonly CausalLanguageModel? _teacher;
    private readonly IBatchSource _batches;
    private readonly TrainerOptions _options;
    private readonly TimeProvider _time;
    private readonly Learner _learner;
    private readonly Learner? _teacherLearner;
    private readonly TrainingStep _step;
    private readonly TrainerCheckpoint? _checkpoint;

    private TrainingState _state = new();
    private TrainingState _lastGood = new();
    private (int Step, string Folder)? _saved;
    private MetricsWriter? _metrics;
    private double? _lastLoss;
    private double _epochLoss;
    private int _epochSteps;

    /// <summary>Prepares a run. Nothing is written yet.</summary>
    /// <param name="student">Model to train, its quantizers in place where it has any.</param>
    /// <param name="batches">Training batches.</param>
    /// <param name="options">Options.</param>
    /// <param name="teacher">Teacher, or null. With <see cref="TrainerOptions.FreezeTeacher"/> false it is trained as well. For the reasoning loss it must share the student's hidden basis: rotate both or neither.</param>
    /// <param name="time">Clock for the metrics; null for the system's.</param>
    public Trainer(CausalLanguageModel student, IBatchSource batches, TrainerOptions options, CausalLanguageModel? teacher = null, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(student);
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentNullException.ThrowIfNull(options);
        _teacher = teacher;
        _batches = batches;
        _options = options;
        _time = time ?? TimeProvider.System;
        _learner = new(student, options);
        _teacherLearner = teacher is null || options.FreezeTeacher ? null : new(teacher, options);
        _step = new(student, _learner, teacher, _teacherLearner, options);
        if (options.RunFolder is { } folder)
        {
            _checkpoint = new(folder, options, _learner, _teacherLearner);
        }
    }

    /// <summary>Tells what happens, on the thread of <see cref="Run"/>.</summary>
    public event Action<TrainingEvent>? Reported;

    /// <summary>Trains to the end, or to the next step after a cancellation, and leaves a checkpoint of it.</summary>
    /// <param name="cancellation">Ends the run after the step in progress.</param>
    /// <returns>The outcome. The student's quantizers are left at full strength.</returns>
    /// <exception cref="InputException">The run folder cannot be used, or a checkpoint does not fit the run.</exception>
    /// <exception cref="RunFailedException">Too many steps in a row were not finite, a checkpoint could not be written, or a frozen teacher changed.</exception>
    public TrainingResult Run(CancellationToken cancellation = default)
    {
        using RunLock? runLock = _options is { RunFolder: { } held, RunLock: null } ? RunLock.Acquire(held) : null;
        string? teacherDigest = _teacher is null ? null : ModelDigest.Compute(_teacher);
        _state = InitialState(teacherDigest);
        Report(new TrainingEvent.Started(
            _state.TotalSteps,
            _state.StepsPerEpoch,
            _learner.Parameters.Weights.Sum(item => item.Value.numel()),
            _learner.Parameters.Quantization.Sum(item => item.Value.numel()),
            teacherDigest));
        Restore();
        _lastGood = _state;
        using MetricsWriter? metrics = _options.RunFolder is { } folder ? MetricsWriter.Open(folder, _state.Step) : null;
        _metrics = metrics;
        try
        {
            using BatchFeed feed = new(_batches);
            while (_state.Step < _state.TotalSteps && !cancellation.IsCancellationRequested)
            {
                RunStep(feed);
                if (_state.ConsecutiveSkips == 0 && _state.Step % _options.Training.CheckpointSteps == 0)
                {
                    Save();
                }
            }

            Save();
        }
        finally
        {
            _metrics = null;
            _learner.SetStrength(1);
            _step.ClearGradients();
        }

        RequireUnchangedTeacher(teacherDigest);
        TrainingResult result = new(_state.Step, _state.TotalSteps, _state.SkippedSteps, _lastLoss, _state.Step < _state.TotalSteps, teacherDigest);
        Report(new TrainingEvent.Finished(result));
        return result;
    }

    /// <summary>Frees the optimizer's state. The models stay with their owner.</summary>
    public void Dispose()
    {
        _learner.Dispose();
        _teacherLearner?.Dispose();
    }

    private TrainingState InitialState(string? teacherDigest)
    {
        int stepsPerEpoch = _batches.BatchesPerEpoch;
        long steps = Math.Min((long)stepsPerEpoch * _options.Epochs, _options.Training.MaxSteps ?? long.MaxValue);
        return new()
        {
            TotalSteps = checked((int)steps),
            StepsPerEpoch = stepsPerEpoch,
            Seed = _options.Training.Seed,
            ConfigurationDigest = _options.ConfigurationDigest,
            TeacherDigest = _teacherLearner is null ? teacherDigest : null,
        };
    }

    /// <summary>Makes the folder of the checkpoints and, on resume, restores the newest.</summary>
    private void Restore()
    {
        if (_checkpoint is null)
        {
            return;
        }

        _checkpoint.Prepare();
        if (!_options.Resume)
        {
            _checkpoint.RequireNone();
            return;
        }

        foreach (string partial in _checkpoint.RemovePartial())
        {
            Report(new TrainingEvent.PartialCheckpointRemoved(partial));
        }

        if (_checkpoint.Restore(_state, (damaged, reason) => Report(new TrainingEvent.CheckpointRejected(damaged, reason))) is { } restored)
        {
            _state = restored.State;
            _saved = (_state.Step, restored.Folder);
            Report(new TrainingEvent.Resumed(_state.Step, restored.Folder));
        }
    }

    /// <summary>Writes a checkpoint of the present state, unless the newest one is of it. A state that is lost must not push out a good one.</summary>
    private void Save()
    {
        if (_checkpoint is null || _saved?.Step == _state.Step)
        {
            return;
        }

        if (NonFiniteDiagnosis.FirstWeight(_learner) is { } broken)
        {
            throw Divergence.OfWeights(_state, broken, _saved?.Folder);
        }

        _metrics?.FlushToDisk();
        _saved = (_state.Step, _checkpoint.Save(_state));
        Report(new TrainingEvent.CheckpointSaved(_state.Step, _saved.Value.Folder));
    }

    private void RunStep(BatchFeed feed)
    {
        long started = _time.GetTimestamp();
        StepPlan plan = StepPlan.At(_options, _state);
        using TokenBatch batch = feed.Next(_state);
        StepOutcome outcome = _step.Run(batch, plan);
        double seconds = _time.GetElapsedTime(started).TotalSeconds;
        StepMetrics metrics = new()
        {
            Step = _state.Step + 1,
            Epoch = _state.Epoch + 1,
            Loss = outcome.Loss,
            TaskLoss = outcome.TaskLoss,
            KdLoss = outcome.KdLoss,
            ReasoningLoss = outcome.ReasoningLoss,
            GradNorm = outcome.GradNorm,
            LearningRate = _options.WeightLearningRate * plan.LearningRateFactor,
            QuantizationStrength = plan.Strength,
            TokensPerSecond = seconds > 0 ? batch.TokenCount / seconds : 0,
            StepSeconds = seconds,
        };
        _state = _state.After(outcome.Fault is null);
        _metrics?.Write(metrics);
        if (outcome.Fault is { } fault)
        {
            PassOver(metrics, fault);
        }
        else
        {
            _lastGood = _state;
            _lastLoss = metrics.Loss;
            _epochLoss += metrics.Loss;
            _epochSteps++;
            Report(new TrainingEvent.StepCompleted(metrics, _state.TotalSteps));
        }

        if (_state.BatchIndex == 0)
        {
            feed.EndEpoch();
            Report(new TrainingEvent.EpochCompleted(metrics.Epoch, _options.Epochs, _epochSteps == 0 ? double.NaN : _epochLoss / _epochSteps));
            _epochLoss = 0;
            _epochSteps = 0;
        }
    }

    /// <summary>Tells a step that was not finite, and gives up where there were too many in a row or the weights themselves are lost.</summary>
    private void PassOver(StepMetrics metrics, string diagnosis)
    {
        Report(new TrainingEvent.StepSkipped(metrics, _state.ConsecutiveSkips, diagnosis));
        if (NonFiniteDiagnosis.FirstWeight(_learner) is { } broken)
        {
            throw Divergence.OfWeights(_lastGood, broken, _saved?.Folder);
        }

        if (_state.ConsecutiveSkips >= _options.Training.MaxSkippedSteps)
        {
            TrainingState failed = _state;
            _state = _lastGood;
            Save();
            throw Divergence.OfSteps(failed, diagnosis, _saved?.Folder);
        }
    }

    private void RequireUnchangedTeacher(string? before)
    {
        if (_teacher is not null && _teacherLearner is null && ModelDigest.Compute(_teacher) is { } after && after != before)
        {
            throw new RunFailedException($"The frozen teacher changed during training: SHA-256 {after}, before {before}. This is a fault in Pique or in the caller: nothing may write to the teacher's parameters.");
        }
    }

    private void Report(TrainingEvent happening) => Reported?.Invoke(happening);
}
