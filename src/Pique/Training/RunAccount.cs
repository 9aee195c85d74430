namespace Pique.Training;

/// <summary>Where a run stands, what of it is saved, and when there is no use in going on: what every trainer keeps account of.</summary>
/// <param name="options">Epochs, and the limit of steps in a row that are not finite.</param>
/// <param name="save">Saves a checkpoint of a position and gives its folder; null where there is no run folder.</param>
/// <param name="brokenWeight">Names the first trained parameter that is lost; null for none.</param>
/// <param name="report">Told what happens.</param>
internal sealed class RunAccount(TrainerOptions options, Func<TrainingState, string>? save, Func<string?> brokenWeight, Action<TrainingEvent> report)
{
    private TrainingState _lastGood = new();
    private (int Step, string Folder)? _saved;

    /// <summary>Where the run stands.</summary>
    public TrainingState State { get; private set; } = new();

    /// <summary>The newest checkpoint; null for none.</summary>
    public string? Newest => _saved?.Folder;

    /// <summary>Peak memory since the epoch began.</summary>
    public ProcessMemory Memory { get; } = new();

    /// <summary>Begins at a position.</summary>
    /// <param name="state">The position.</param>
    /// <param name="checkpoint">The checkpoint of it; null for none.</param>
    public void Begin(TrainingState state, string? checkpoint)
    {
        State = _lastGood = state;
        _saved = checkpoint is null ? null : (state.Step, checkpoint);
    }

    /// <summary>Notes the held-out loss of this step.</summary>
    /// <param name="loss">The loss.</param>
    public void Evaluated(double loss) => State = State.Evaluated(loss);

    /// <summary>Takes a step: logs it, tells it, and gives up where too many in a row were not finite or the weights themselves are lost.</summary>
    /// <param name="log">The run's log.</param>
    /// <param name="outcome">What the step came to.</param>
    /// <param name="epoch">Its epoch, from 0.</param>
    /// <param name="plan">Its learning rate and strength.</param>
    /// <param name="tokens">Tokens of its batch.</param>
    /// <param name="seconds">Its duration.</param>
    /// <param name="totalSteps">Steps of the whole run.</param>
    /// <returns>Its measurements.</returns>
    /// <exception cref="RunFailedException">There is no use in going on.</exception>
    public StepMetrics Add(StepLog log, StepOutcome outcome, int epoch, StepPlan plan, int tokens, double seconds, int totalSteps)
    {
        StepMetrics metrics = new()
        {
            Step = State.RunStep + 1,
            Epoch = epoch + 1,
            Loss = outcome.Loss,
            TaskLoss = outcome.TaskLoss,
            KdLoss = outcome.KdLoss,
            ReasoningLoss = outcome.ReasoningLoss,
            GradNorm = outcome.GradNorm,
            LearningRate = options.WeightLearningRate * plan.LearningRateFactor,
            QuantizationStrength = plan.Strength,
            TokensPerSecond = seconds > 0 ? tokens / seconds : 0,
            StepSeconds = seconds,
            PeakMemoryBytes = Memory.PeakBytes,
        };
        State = State.After(outcome.Fault is null);
        log.Add(metrics, outcome.Fault is null);
        if (outcome.Fault is { } fault)
        {
            PassOver(log, metrics, fault);
        }
        else
        {
            _lastGood = State;
            report(new TrainingEvent.StepCompleted(metrics, totalSteps));
        }

        return metrics;
    }

    /// <summary>Ends an epoch.</summary>
    /// <param name="log">The run's log.</param>
    /// <param name="last">Measurements of its last step.</param>
    public void EndEpoch(StepLog log, StepMetrics last)
    {
        report(new TrainingEvent.EpochCompleted(last.Epoch, options.Epochs, log.EndEpoch(), last.PeakMemoryBytes));
        Memory.ResetPeak();
    }

    /// <summary>Writes a checkpoint of the present state, unless the newest one is of it. A state that is lost must not push out a good one.</summary>
    /// <param name="log">The run's log, which is flushed first.</param>
    /// <exception cref="RunFailedException">The weights are lost, or the disk fails.</exception>
    public void Save(StepLog log)
    {
        if (save is null || _saved?.Step == State.Step)
        {
            return;
        }

        RequireSoundWeights(State);
        log.FlushToDisk();
        _saved = (State.Step, save(State));
        report(new TrainingEvent.CheckpointSaved(State.RunStep, _saved.Value.Folder));
    }

    /// <summary>Ends a run whose weights are lost.</summary>
    /// <param name="state">The last position they may have been sound at.</param>
    /// <exception cref="RunFailedException">One holds a value that is not finite.</exception>
    public void RequireSoundWeights(TrainingState state)
    {
        if (brokenWeight() is { } broken)
        {
            throw Divergence.OfWeights(state, broken, Newest);
        }
    }

    private void PassOver(StepLog log, StepMetrics metrics, string diagnosis)
    {
        report(new TrainingEvent.StepSkipped(metrics, State.ConsecutiveSkips, diagnosis));
        RequireSoundWeights(_lastGood);
        if (State.ConsecutiveSkips < options.Training.MaxSkippedSteps)
        {
            return;
        }

        TrainingState failed = State;
        log.Write();
        State = _lastGood;
        if (_saved is not { } saved || saved.Step < State.Step)
        {
            Save(log); // A later checkpoint has the same weights, and would push this one out.
        }

        throw Divergence.OfSteps(failed, diagnosis, Newest);
    }
}
