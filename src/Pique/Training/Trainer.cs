using Pique.Data;
using Pique.Formats;
using Pique.Models;
using Pique.Objectives;
using TorchSharp;

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

    private readonly CausalLanguageModel _student;
    private readonly CausalLanguageModel? _teacher;
    private readonly TeacherCache? _teacherOutputs;
    private readonly IBatchSource _batches;
    private readonly TrainerOptions _options;
    private readonly TimeProvider _time;
    private readonly CompositeObjective _objective;
    private readonly Learner _learner;
    private readonly Learner? _teacherLearner;
    private readonly TrainerCheckpoint? _checkpoint;

    private TrainingState _state = new();
    private IEnumerator<TokenBatch>? _epochBatches;
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
    /// <param name="teacherOutputs">Kept outputs of the teacher for these batches' data set, read in place of running it; null for none. They belong to the caller.</param>
    /// <exception cref="ArgumentException">There are kept outputs of a teacher that is to be trained.</exception>
    public Trainer(
        CausalLanguageModel student, IBatchSource batches, TrainerOptions options, CausalLanguageModel? teacher = null, TimeProvider? time = null, TeacherCache? teacherOutputs = null)
    {
        ArgumentNullException.ThrowIfNull(student);
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentNullException.ThrowIfNull(options);
        _student = student;
        if (teacherOutputs is not null && teacher is not null && !options.FreezeTeacher)
        {
            throw new ArgumentException("Found kept outputs of a teacher that is to be trained; its outputs change with it.", nameof(teacherOutputs));
        }

        _teacher = teacher;
        _teacherOutputs = teacherOutputs;
        _batches = batches;
        _options = options;
        _time = time ?? TimeProvider.System;
        _objective = new(options.LossWeights, options.ReasoningLoss);
        _learner = new(student, options);
        _teacherLearner = teacher is null || options.FreezeTeacher ? null : new(teacher, options);
        if (options.RunFolder is { } folder)
        {
            _checkpoint = new(new(Path.Combine(folder, CheckpointsName), options.Training.KeepCheckpoints), _learner, _teacherLearner);
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
        string? teacherDigest = _teacher is null ? null : ModelDigest.Compute(_teacher);
        _state = InitialState(teacherDigest);
        Report(new TrainingEvent.Started(
            _state.TotalSteps,
            _state.StepsPerEpoch,
            _learner.Parameters.Weights.Sum(item => item.Value.numel()),
            _learner.Parameters.Quantization.Sum(item => item.Value.numel()),
            teacherDigest));
        int savedStep = Restore();
        using MetricsWriter? metrics = _options.RunFolder is { } folder ? MetricsWriter.Open(folder, _state.Step) : null;
        _metrics = metrics;
        try
        {
            while (_state.Step < _state.TotalSteps && !cancellation.IsCancellationRequested)
            {
                (StepMetrics step, bool finite) = RunStep();
                Complete(step, finite);
                if (_state.Step % _options.Training.CheckpointSteps == 0 || _state.Step == _state.TotalSteps)
                {
                    savedStep = Save();
                }
            }
        }
        finally
        {
            _metrics = null;
            EndEpochBatches();
            _learner.SetStrength(1);
            _learner.KeepComponents();
            _learner.Optimizer.ClearGradients();
            _teacherLearner?.Optimizer.ClearGradients();
        }

        _metrics = metrics;
        if (savedStep != _state.Step)
        {
            Save();
        }

        _metrics = null;
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

    /// <summary>Makes the run folder and, on resume, restores the newest checkpoint. Returns the step that is safe on disk, or −1.</summary>
    private int Restore()
    {
        if (_options.RunFolder is not { } folder)
        {
            return -1;
        }

        string checkpoints = Path.Combine(folder, CheckpointsName);
        try
        {
            Directory.CreateDirectory(checkpoints);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new InputException($"{folder}: cannot be used as run folder ({failure.Message}); choose a folder that can be written.", failure);
        }

        if (!_options.Resume)
        {
            return Directory.EnumerateFileSystemEntries(checkpoints).Any()
                ? throw new InputException($"{checkpoints}: holds checkpoints of an earlier run; resume it, or choose another run folder.")
                : -1;
        }

        if (_checkpoint!.Restore(_state, (damaged, reason) => Report(new TrainingEvent.CheckpointRejected(damaged, reason))) is not { } restored)
        {
            return -1;
        }

        _state = restored.State;
        Report(new TrainingEvent.Resumed(_state.Step, restored.Folder));
        return _state.Step;
    }

    private int Save()
    {
        if (_checkpoint is not null)
        {
            _metrics?.FlushToDisk();
            string folder = _checkpoint.Save(_state);
            Report(new TrainingEvent.CheckpointSaved(_state.Step, folder));
        }

        return _state.Step;
    }

    private (StepMetrics Metrics, bool Finite) RunStep()
    {
        long started = _time.GetTimestamp();
        using DisposeScope scope = torch.NewDisposeScope();
        using TokenBatch batch = NextBatch();
        double strength = Strength();
        double factor = LearningRateCurve.Factor(
            _options.Training.Schedule, _state.Step, _state.TotalSteps, _options.Training.ScheduleWarmupSteps, _options.Training.FinalLearningRateFraction);
        _learner.SetStrength(strength);
        _learner.DropComponents(_options.AdapterDropout, _options.Training.Seed);

        using ObjectiveTerms terms = _teacherOutputs is { } outputs
            ? _objective.ComputeWithKeptTeacher(_student, outputs, batch)
            : _objective.Compute(_student, _teacher, batch, _teacherLearner is not null);
        terms.Total.backward();
        terms.TeacherTask?.backward();
        double loss = terms.Total.item<float>();
        double norm = _learner.Clip();
        double teacherNorm = _teacherLearner?.Clip() ?? 0;
        bool finite = double.IsFinite(loss) && double.IsFinite(norm) && double.IsFinite(teacherNorm);
        if (finite)
        {
            _learner.Update(factor);
            _teacherLearner?.Update(factor);
        }

        _learner.KeepComponents();
        _learner.Optimizer.ClearGradients();
        _teacherLearner?.Optimizer.ClearGradients();

        double seconds = _time.GetElapsedTime(started).TotalSeconds;
        StepMetrics metrics = new()
        {
            Step = _state.Step + 1,
            Epoch = _state.Epoch + 1,
            Loss = loss,
            TaskLoss = terms.Task,
            KdLoss = terms.Distillation,
            ReasoningLoss = terms.Reasoning,
            GradNorm = norm,
            LearningRate = _options.WeightLearningRate * factor,
            QuantizationStrength = strength,
            TokensPerSecond = seconds > 0 ? batch.TokenCount / seconds : 0,
            StepSeconds = seconds,
        };
        return (metrics, finite);
    }

    private TokenBatch NextBatch()
    {
        _epochBatches ??= _batches.Batches(_state.Epoch, _state.BatchIndex).GetEnumerator();
        return _epochBatches.MoveNext()
            ? _epochBatches.Current
            : throw new InvalidOperationException($"Epoch {_state.Epoch} ended after {_state.BatchIndex} of {_state.StepsPerEpoch} batches; a batch source serves the same number in all epochs.");
    }

    private void EndEpochBatches()
    {
        _epochBatches?.Dispose();
        _epochBatches = null;
    }

    /// <summary>ρ rises linearly from 0 at the first step to 1 at the first step after the warm-up epochs; math of record §4.</summary>
    private double Strength()
    {
        long warmupSteps = (long)_options.WarmupEpochs * _state.StepsPerEpoch;
        return _state.Step >= warmupSteps ? 1 : (double)_state.Step / warmupSteps;
    }

    private void Complete(StepMetrics metrics, bool finite)
    {
        int step = _state.Step + 1;
        _state = _state with
        {
            Step = step,
            Epoch = step / _state.StepsPerEpoch,
            BatchIndex = step % _state.StepsPerEpoch,
            SkippedSteps = _state.SkippedSteps + (finite ? 0 : 1),
            ConsecutiveSkips = finite ? 0 : _state.ConsecutiveSkips + 1,
        };
        _metrics?.Write(metrics);
        if (finite)
        {
            _lastLoss = metrics.Loss;
            _epochLoss += metrics.Loss;
            _epochSteps++;
            Report(new TrainingEvent.StepCompleted(metrics, _state.TotalSteps));
        }
        else
        {
            Report(new TrainingEvent.StepSkipped(metrics, _state.ConsecutiveSkips));
        }

        if (_state.ConsecutiveSkips >= TrainerOptions.MaxConsecutiveSkips)
        {
            throw new RunFailedException(
                $"step {step}: loss or gradient was not finite in {_state.ConsecutiveSkips} steps in a row (loss {metrics.Loss}, gradient norm {metrics.GradNorm}); lower the learning rate or set grad_clip, then resume from the last checkpoint or start anew.");
        }

        if (_state.BatchIndex == 0)
        {
            EndEpochBatches();
            Report(new TrainingEvent.EpochCompleted(metrics.Epoch, _options.Epochs, _epochSteps == 0 ? double.NaN : _epochLoss / _epochSteps));
            _epochLoss = 0;
            _epochSteps = 0;
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
