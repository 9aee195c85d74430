using Pique.Configuration;
using Pique.Data;
using Pique.Formats;
using Pique.Models;
using Pique.Objectives;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>Trains a student on batches, under a teacher or alone, with or without quantizers; resumable at every step, bit for bit.</summary>
/// <remarks>
/// A step: batch → losses → gradients → clip → AdamW → quantizer invariants → metrics. A step whose loss or gradient is not finite is passed over.
/// After it, where they are due: held-out loss, checkpoint. The same models, data, options and thread count give the same bytes.
/// </remarks>
public sealed class Trainer : IDisposable
{
    /// <summary>Name of the checkpoints' folder in the run folder.</summary>
    public const string CheckpointsName = "checkpoints";

    private readonly CausalLanguageModel _student;
    private readonly CausalLanguageModel? _teacher;
    private readonly IBatchSource _batches;
    private readonly TrainerOptions _options;
    private readonly TimeProvider _time;
    private readonly Func<CancellationToken, double>? _heldOutLoss;
    private readonly Learner _learner;
    private readonly Learner? _teacherLearner;
    private readonly TrainingStep _step;
    private readonly TrainerCheckpoint? _checkpoint;
    private readonly RunAccount _run;

    private ComputeTypeChoice? _choice;

    /// <summary>Prepares a run. Nothing is written yet.</summary>
    /// <param name="student">Model to train, its quantizers in place where it has any.</param>
    /// <param name="batches">Training batches.</param>
    /// <param name="options">Options.</param>
    /// <param name="teacher">Teacher, or null. With <see cref="TrainerOptions.FreezeTeacher"/> false it is trained as well. For the reasoning loss it must share the student's hidden basis: rotate both or neither.</param>
    /// <param name="time">Clock for the metrics; null for the system's.</param>
    /// <param name="teacherOutputs">Kept outputs of the teacher for these batches' data set, read in place of running it; null for none. They belong to the caller.</param>
    /// <param name="heldOutLoss">Measures the student's held-out loss in nats per token, the quantizers being at full strength; the same weights must give the same loss. Needed where the recipe evaluates while training.</param>
    /// <exception cref="ArgumentException">There are kept outputs of a teacher that is to be trained, or the recipe evaluates and there is nothing to do it with, or keeps the best without a run folder.</exception>
    public Trainer(
        CausalLanguageModel student,
        IBatchSource batches,
        TrainerOptions options,
        CausalLanguageModel? teacher = null,
        TimeProvider? time = null,
        TeacherCache? teacherOutputs = null,
        Func<CancellationToken, double>? heldOutLoss = null)
    {
        ArgumentNullException.ThrowIfNull(student);
        ArgumentNullException.ThrowIfNull(batches);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Training.EvaluateEverySteps is not null && heldOutLoss is null)
        {
            throw new ArgumentException("evaluate_every_steps is set and there is nothing to evaluate with.", nameof(heldOutLoss));
        }

        if (options is { Training.KeepBest: true, RunFolder: null })
        {
            throw new ArgumentException("keep_best needs a run folder, whose checkpoints hold the best weights.", nameof(options));
        }

        if (teacherOutputs is not null && teacher is not null && !options.FreezeTeacher)
        {
            throw new ArgumentException("Found kept outputs of a teacher that is to be trained; its outputs change with it.", nameof(teacherOutputs));
        }

        _student = student;
        _teacher = teacher;
        _batches = batches;
        _options = options;
        _time = time ?? TimeProvider.System;
        _heldOutLoss = heldOutLoss;
        _learner = new(student, options);
        _teacherLearner = teacher is null || options.FreezeTeacher ? null : new(teacher, options);
        _step = new(student, _learner, teacher, _teacherLearner, options, teacherOutputs);
        if (options.RunFolder is { } folder)
        {
            _checkpoint = new(folder, options, _learner, _teacherLearner);
        }

        _run = new(options, _checkpoint is null ? null : _checkpoint.Save, BrokenWeight, Report);
    }

    /// <summary>Tells what happens, on the thread of <see cref="Run"/>.</summary>
    public event Action<TrainingEvent>? Reported;

    private TrainingState State => _run.State;

    private bool IsFinished => State.Step >= State.TotalSteps || State.StopsEarly(_options.Training);

    /// <summary>Trains to the end, or to the next step after a cancellation, and leaves a checkpoint of it.</summary>
    /// <param name="cancellation">Ends the run after the step in progress.</param>
    /// <returns>The outcome. The student's quantizers are left at full strength.</returns>
    /// <exception cref="InputException">The run folder cannot be used, or a checkpoint does not fit the run.</exception>
    /// <exception cref="RunFailedException">Too many steps in a row were not finite, memory ran out, a checkpoint could not be written, or a frozen teacher changed.</exception>
    public TrainingResult Run(CancellationToken cancellation = default)
    {
        using RunLock? runLock = _options is { RunFolder: { } held, RunLock: null } ? RunLock.Acquire(held) : null;
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
        string? teacherDigest = _teacher is null ? null : ModelDigest.Compute(_teacher);
        _run.Begin(InitialState(teacherDigest), checkpoint: null);
        Report(new TrainingEvent.Started(
            State.RunSteps,
            State.StepsPerEpoch,
            _learner.Parameters.Weights.Sum(item => item.Value.numel()),
            _learner.Parameters.Quantization.Sum(item => item.Value.numel()),
            teacherDigest));
        if (_checkpoint?.Open(_options.Resume, State, Report) is { } restored)
        {
            _run.Begin(restored.State, restored.Folder);
        }

        ComputeTypeChoice choice = ChooseComputeType();
        _run.Begin(State with { ComputeType = choice.Type }, _run.Newest);
        Report(new TrainingEvent.ComputeTypeChosen(choice.Type, choice.Reason));
        using StepLog log = StepLog.Open(_options, State, _time);
        try
        {
            SetGradientCheckpointing(_options.Training.GradientCheckpointing);
            SetProductType(choice.ScalarType);
            Train(log, cancellation);
        }
        finally
        {
            SetGradientCheckpointing(false);
            SetProductType(ScalarType.Float32);
            _learner.SetStrength(1);
            _learner.KeepComponents();
            _step.ClearGradients();
        }

        if (_teacher is not null && _teacherLearner is null)
        {
            FrozenTeacher.RequireUnchanged(_teacher, teacherDigest);
        }

        TrainingResult result = Finish(log.LastLoss, teacherDigest);
        Report(new TrainingEvent.Finished(result));
        return result;
    }

    /// <summary>Computes the gradients of the first rows of the data and drops them; nothing changes by it.</summary>
    /// <param name="rows">Rows; at most those of the first batch.</param>
    /// <returns>Most memory the process had in use at once meanwhile; null where the system does not tell.</returns>
    /// <exception cref="InputException">There is no memory for it.</exception>
    internal long? Rehearse(int rows)
    {
        ProcessMemory.ReleaseFree();
        if (!_run.Memory.ResetPeak())
        {
            return null;
        }

        using TokenBatch batch = _batches.Batches(epoch: 0).First();
        using TokenBatch part = MicroBatch.Rows(batch, 0, (int)Math.Min(rows, batch.Inputs.shape[0]));
        try
        {
            SetGradientCheckpointing(_options.Training.GradientCheckpointing);
            SetProductType(ChooseComputeType().ScalarType);
            _step.Rehearse(part);
        }
        catch (Exception failure) when (Divergence.IsOfMemory(failure))
        {
            throw Divergence.OfRehearsal(rows, failure);
        }
        finally
        {
            SetGradientCheckpointing(false);
            SetProductType(ScalarType.Float32);
        }

        return _run.Memory.PeakBytes;
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
            PriorSteps = _options.PriorSteps,
            SkippedSteps = _options.PriorSkippedSteps,
            Threads = get_num_threads(),
            FastMath = _options.FastMath,
            Seed = _options.Training.Seed,
            ConfigurationDigest = _options.ConfigurationDigest,
            TeacherDigest = _teacherLearner is null ? teacherDigest : null,
        };
    }

    private void SetGradientCheckpointing(bool value)
    {
        _student.GradientCheckpointing = value;
        if (_teacherLearner is not null)
        {
            _teacher!.GradientCheckpointing = value;
        }
    }

    /// <summary>The choice is made once, for rehearsals and training alike.</summary>
    private ComputeTypeChoice ChooseComputeType() => State.ComputeType != ComputeType.Auto
        ? ComputeTypeChoice.AsBegan(State.ComputeType)
        : _choice ??= _options.ComputeType ?? ComputeTypeChoice.Make(_options.Training.ComputeType, _student, _time);

    private void SetProductType(ScalarType type)
    {
        _student.ProductType = type;
        if (_teacher is not null)
            _teacher.ProductType = type;
    }

    private void Train(StepLog log, CancellationToken cancellation)
    {
        _run.Memory.ResetPeak();
        using BatchFeed feed = new(_batches);
        while (!cancellation.IsCancellationRequested)
        {
            if (State.IsEvaluationDue(_options.Training) && !Evaluate(log, cancellation))
            {
                break;
            }

            log.Write();
            if (IsFinished)
            {
                break;
            }

            if (IsCheckpointDue())
            {
                _run.Save(log);
            }

            RunStep(feed, log);
        }

        log.Write();
        _run.Save(log);
    }

    /// <summary>Measures the held-out loss of this step.</summary>
    /// <returns>False where a cancellation came first; the measurement is then still due, in a resumed run too.</returns>
    private bool Evaluate(StepLog log, CancellationToken cancellation)
    {
        _learner.SetStrength(1);
        double loss;
        try
        {
            loss = _heldOutLoss!(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return false;
        }

        _run.Evaluated(loss);
        log.AddHeldOutLoss(loss);
        Report(new TrainingEvent.Evaluated(State.RunStep, loss, State.BestStep == State.Step, State.EvaluationsSinceBest));
        return true;
    }

    /// <summary>While steps are passed over nothing new is worth saving, and it would push out what is.</summary>
    private bool IsCheckpointDue() => (_options.Training.KeepBest && State.BestStep == State.Step)
        || (State is { Step: > 0, ConsecutiveSkips: 0 } && State.Step % _options.Training.CheckpointSteps == 0);

    /// <summary>The first trained parameter that is lost, of the student or of a teacher that learns; null for none.</summary>
    private string? BrokenWeight() => NonFiniteDiagnosis.FirstWeight(_learner)
        ?? (_teacherLearner is not null && NonFiniteDiagnosis.FirstWeight(_teacherLearner) is { } ofTeacher ? $"the teacher's {ofTeacher}" : null);

    private void RunStep(BatchFeed feed, StepLog log)
    {
        long started = _time.GetTimestamp();
        int epoch = State.Epoch;
        StepPlan plan = StepPlan.At(_options, State);
        using TokenBatch batch = feed.Next(State);
        StepOutcome outcome = _step.Run(batch, plan);
        double seconds = _time.GetElapsedTime(started).TotalSeconds;
        StepMetrics metrics = _run.Add(log, outcome, epoch, plan, batch.TokenCount, seconds, State.RunSteps);
        if (State.BatchIndex == 0)
        {
            feed.EndEpoch();
            _run.EndEpoch(log, metrics);
        }
    }

    /// <summary>Leaves the student as the recipe wants it at the end.</summary>
    private TrainingResult Finish(double? lastLoss, string? teacherDigest)
    {
        bool interrupted = !IsFinished || State.IsEvaluationDue(_options.Training);
        TrainingResult result = new(State.RunStep, State.RunSteps, State.SkippedSteps, lastLoss, interrupted, teacherDigest) { BestHeldOutLoss = State.BestLoss };
        if (interrupted)
        {
            return result;
        }

        if (State.Step < State.TotalSteps)
        {
            Report(new TrainingEvent.StoppedEarly(State.RunStep, State.EvaluationsSinceBest));
            result = result with { StoppedEarly = true };
        }

        if (_options.Training.KeepBest && State is { BestStep: { } best, BestLoss: { } loss } && best != State.Step)
        {
            int bestOfRun = State.PriorSteps + best;
            _checkpoint!.RestoreModels(bestOfRun);
            Report(new TrainingEvent.BestRestored(bestOfRun, loss));
            result = result with { FinalStep = bestOfRun };
        }

        return result;
    }

    private void Report(TrainingEvent happening) => Reported?.Invoke(happening);
}
