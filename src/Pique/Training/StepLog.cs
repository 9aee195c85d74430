namespace Pique.Training;

/// <summary>What a run notes of its steps: the lines of metrics.jsonl, the mean loss of an epoch, the last loss.</summary>
/// <remarks>The line of a step is held back until <see cref="Write"/>, so that a held-out loss measured after it can join it.</remarks>
internal sealed class StepLog : IDisposable
{
    private readonly string? _folder;
    private readonly MetricsWriter? _writer;
    private readonly TensorBoardWriter? _board;
    private StepMetrics? _unwritten;
    private double _epochLoss;
    private int _epochSteps;

    private StepLog(string? folder, MetricsWriter? writer, TensorBoardWriter? board, StepMetrics? unwritten)
    {
        _folder = folder;
        _writer = writer;
        _board = board;
        _unwritten = unwritten;
    }

    /// <summary>Loss of the last finite step; null before it.</summary>
    public double? LastLoss { get; private set; }

    /// <summary>Opens the log. The line of a step whose held-out loss is still to come is taken out again, to be written with it.</summary>
    /// <param name="options">The run's folder; without one nothing is written.</param>
    /// <param name="state">Where the run stands.</param>
    /// <param name="time">The clock, for the event file.</param>
    public static StepLog Open(TrainerOptions options, TrainingState state, TimeProvider time)
    {
        if (options.RunFolder is not { } folder)
        {
            return new(null, null, null, null);
        }

        StepMetrics? unwritten = state.IsEvaluationDue(options.Training) ? MetricsWriter.Read(folder).FirstOrDefault(metrics => metrics.Step == state.RunStep) : null;
        MetricsWriter writer = MetricsWriter.Open(folder, unwritten is null ? state.RunStep : state.RunStep - 1);
        try
        {
            return new(folder, writer, options.TensorBoard ? TensorBoardWriter.Open(folder, [.. MetricsWriter.Read(folder)], time) : null, unwritten);
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    /// <summary>Takes a step.</summary>
    /// <param name="metrics">Its measurements.</param>
    /// <param name="finite">Whether it was made; false where it was passed over.</param>
    public void Add(StepMetrics metrics, bool finite)
    {
        _unwritten = metrics;
        if (finite)
        {
            LastLoss = metrics.Loss;
            _epochLoss += metrics.Loss;
            _epochSteps++;
        }
    }

    /// <summary>Adds the held-out loss to the last step.</summary>
    /// <param name="heldOutLoss">The loss.</param>
    public void AddHeldOutLoss(double heldOutLoss) => _unwritten = _unwritten is null ? null : _unwritten with { HeldOutLoss = heldOutLoss };

    /// <summary>Writes the line of the last step, where it is not written yet.</summary>
    /// <exception cref="RunFailedException">The disk fails.</exception>
    public void Write()
    {
        if (_unwritten is not { } metrics)
        {
            return;
        }

        try
        {
            _writer?.Write(metrics);
            _board?.Write(metrics);
        }
        catch (IOException failure)
        {
            throw Failure(failure);
        }

        _unwritten = null;
    }

    /// <summary>Forces all lines to the disk.</summary>
    /// <exception cref="RunFailedException">The disk fails.</exception>
    public void FlushToDisk()
    {
        try
        {
            _writer?.FlushToDisk();
        }
        catch (IOException failure)
        {
            throw Failure(failure);
        }
    }

    /// <summary>Ends the epoch.</summary>
    /// <returns>Mean loss of its finite steps that this log saw; NaN where it saw none.</returns>
    public double EndEpoch()
    {
        double mean = _epochSteps == 0 ? double.NaN : _epochLoss / _epochSteps;
        (_epochLoss, _epochSteps) = (0, 0);
        return mean;
    }

    private RunFailedException Failure(IOException failure) => new(
        $"{_folder}: the metrics cannot be written ({failure.Message}); the checkpoints are as they were. Make room on the disk or mend it, then continue with --resume.", failure);

    /// <inheritdoc/>
    public void Dispose()
    {
        _writer?.Dispose();
        _board?.Dispose();
    }
}
