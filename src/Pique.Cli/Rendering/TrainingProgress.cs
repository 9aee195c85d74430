using Microsoft.Extensions.Logging;
using Pique.Calibration;
using Pique.Configuration;
using Pique.Evaluation;
using Pique.Pipeline;
using Pique.Reporting;
using Pique.Training;

namespace Pique.Cli.Rendering;

/// <summary>Tells a run's events on a progress display. Also takes the library's log.</summary>
/// <param name="display">Where to tell them.</param>
internal sealed class TrainingProgress(ProgressDisplay display) : ILogger
{
    /// <summary>Weight of the newest step in the mean step time behind "time left".</summary>
    private const double NewestShare = 0.05;

    private double? _meanStepSeconds;
    private bool _isFirstStep = true;
    private int _laterSteps;

    /// <summary>The step last reported and the steps of the whole run; null before training.</summary>
    public (int Step, int TotalSteps)? Position { get; private set; }

    /// <summary>Tells an event of the pipeline.</summary>
    /// <param name="happening">The event.</param>
    public void Report(PipelineEvent happening)
    {
        switch (happening)
        {
            case PipelineEvent.PhaseStarted { Phase: var phase }:
                display.Line(PhaseText(phase));
                break;
            case PipelineEvent.Warned { Message: var message }:
                display.Line($"warning: {message}");
                break;
            case PipelineEvent.Rotated { Layers: var layers }:
                display.Line(Units.Text($"  mean μ of {layers.Count} layers {layers.Average(layer => layer.Before):F2} before, {layers.Average(layer => layer.After):F2} after"));
                break;
            case PipelineEvent.Calibrated { Progress: var progress }:
                Report(progress);
                break;
            case PipelineEvent.SensitivityDrawn { Layers: var layers, PlotPath: var plot }:
                display.Line($"  {SensitivityTable.Caption(layers)}");
                display.Table(SensitivityTable.Header(layers), SensitivityTable.Rows(layers));
                display.Line($"  drawn in {plot}");
                break;
            case PipelineEvent.Scored { Score: var score }:
                display.Line($"  {ScoreText(score)}");
                break;
            case PipelineEvent.TeacherOutputsKept kept:
                display.Advance(kept.Rows, kept.TotalRows, () => Units.Text($"teacher outputs: row {kept.Rows} of {kept.TotalRows}"));
                break;
            case PipelineEvent.Trained { Event: var training }:
                Report(training);
                break;
        }
    }

    /// <summary>Tells how far calibration is.</summary>
    /// <param name="progress">How far.</param>
    public void Report(CalibrationProgress progress) => display.Advance(progress.Done, progress.Total, () => progress.Stage switch
    {
        CalibrationStage.Inputs => Units.Text($"inputs of the layers: batch {progress.Done} of {progress.Total}"),
        CalibrationStage.Sensitivity => Units.Text($"sensitivity: layer {progress.Done} of {progress.Total}"),
        _ => Units.Text($"second-order rounding: block {progress.Done} of {progress.Total}"),
    });

    /// <summary>Tells an event of the trainer.</summary>
    /// <param name="happening">The event.</param>
    public void Report(TrainingEvent happening)
    {
        switch (happening)
        {
            case TrainingEvent.Started started:
                Position = (Position?.Step ?? 0, started.TotalSteps);
                (_meanStepSeconds, _isFirstStep, _laterSteps) = (null, true, started.LaterSteps);
                display.Line(Units.Text($"  {started.TotalSteps} steps, {started.StepsPerEpoch} an epoch; {started.WeightCount:N0} weights, {started.QuantizationParameterCount:N0} quantization parameters"));
                break;
            case TrainingEvent.ComputeTypeChosen chosen:
                display.Line($"  {ComputeTypeText(chosen.Type)} matrix products: {chosen.Reason}");
                break;
            case TrainingEvent.Resumed resumed:
                Position = (resumed.Step, Position?.TotalSteps ?? resumed.Step);
                display.Line(Units.Text($"  resumed after step {resumed.Step} from {resumed.Folder}"));
                break;
            case TrainingEvent.Warned { Message: var message }:
                display.Line($"warning: {message}");
                break;
            case TrainingEvent.CheckpointRejected rejected:
                display.Line($"warning: {rejected.Folder}: {rejected.Reason}; trying an older checkpoint");
                break;
            case TrainingEvent.PartialCheckpointRemoved removed:
                display.Line($"  deleted {removed.Folder}, which was left half written");
                break;
            case TrainingEvent.StepCompleted completed:
                Advance(completed.Metrics, completed.TotalSteps);
                break;
            case TrainingEvent.StepSkipped skipped:
                Position = (skipped.Metrics.Step, Position?.TotalSteps ?? skipped.Metrics.Step);
                display.Line(Units.Text($"warning: step {skipped.Metrics.Step} was skipped. {skipped.Diagnosis}"));
                break;
            case TrainingEvent.ActivationsKept kept:
                display.Advance(kept.Rows, kept.TotalRows, () => Units.Text($"activations after block {kept.Block} of {kept.BlockCount}: row {kept.Rows} of {kept.TotalRows}"));
                break;
            case TrainingEvent.BlockStarted { Loss: { } loss } block:
                display.Line(Units.Text($"  block {block.Block} of {block.BlockCount}: mean squared error {loss:G4} as rounded"));
                break;
            case TrainingEvent.BlockCompleted block:
                display.Line(Units.Text($"  block {block.Block} of {block.BlockCount}: mean squared error {block.LossAfter:G4} as trained"));
                break;
            case TrainingEvent.EpochCompleted epoch:
                display.Line(Units.Text($"  epoch {epoch.Epoch} of {epoch.EpochCount}: mean loss {epoch.MeanLoss:F4}{PeakText(epoch.PeakMemoryBytes)}"));
                break;
            case TrainingEvent.Evaluated evaluated:
                display.Line(Units.Text($"  step {evaluated.Step}: held-out loss {evaluated.HeldOutLoss:F4}, {(evaluated.IsBest ? "the lowest so far" : Units.Text($"the lowest was {evaluated.SinceBest} measurements ago"))}"));
                break;
            case TrainingEvent.StoppedEarly stopped:
                display.Line(Units.Text($"  stopped after step {stopped.Step}: no lower held-out loss in {stopped.Evaluations} measurements"));
                break;
            case TrainingEvent.BestRestored best:
                display.Line(Units.Text($"  the weights of step {best.Step} are put back, whose held-out loss {best.HeldOutLoss:F4} was the lowest"));
                break;
            case TrainingEvent.BestLost lost:
                display.Line(Units.Text($"warning: the best checkpoint, of step {lost.Step}, is lost; the best is sought anew from here on"));
                break;
            default:
                break; // Checkpoints and the end show in the run folder and in the closing table.
        }
    }

    /// <inheritdoc/>
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    /// <inheritdoc/>
    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    /// <inheritdoc/>
    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            display.Line($"warning: {formatter(state, exception)}");
        }
    }

    private static string PeakText(long? peakBytes) => peakBytes is { } bytes ? $", peak memory {Units.Bytes(bytes)}" : "";

    private static string ComputeTypeText(ComputeType type) => type == ComputeType.Bfloat16 ? "bfloat16" : "float32";

    private static string PhaseText(PipelinePhase phase) => phase switch
    {
        PipelinePhase.Load => "Loading models and data",
        PipelinePhase.Rotate => "Rotating weights",
        PipelinePhase.Calibrate => "Calibrating",
        PipelinePhase.Baseline => "Measuring the teacher and the rounded, untrained model",
        PipelinePhase.Train => "Training",
        PipelinePhase.Convert => "Packing",
        PipelinePhase.Evaluate => "Measuring the trained model",
        _ => phase.ToString(),
    };

    private static string ScoreText(ModelScore score)
    {
        string text = Units.Text($"{score.Name}: perplexity {score.Quality.Perplexity:F3}");
        text += score.Reasoning is { } reasoning ? Units.Text($", reasoning {100 * reasoning.Accuracy:F1} %") : "";
        return text + (score.ToolCalls is { } tools ? Units.Text($", tool calls {100 * tools.Accuracy:F1} %") : "");
    }

    private void Advance(StepMetrics metrics, int totalSteps)
    {
        Position = (metrics.Step, totalSteps);
        if (!_isFirstStep)
        {
            _meanStepSeconds = _meanStepSeconds is { } mean ? mean + (NewestShare * (metrics.StepSeconds - mean)) : metrics.StepSeconds;
        }

        _isFirstStep = false; // It also pays for what is made once, and says nothing of the others.
        string left = LeftText(totalSteps - _laterSteps - metrics.Step);
        display.Advance(metrics.Step, totalSteps, () =>
            Units.Text($"step {metrics.Step} of {totalSteps}  loss {metrics.Loss:F4}  {metrics.TokensPerSecond:N0} tokens/s{left}{(metrics.PeakMemoryBytes is { } bytes ? $"  {Units.Bytes(bytes)}" : "")}"));
    }

    /// <summary>Time left, of this phase where another follows.</summary>
    private string LeftText(int steps) => steps > 0 && _meanStepSeconds is null
        ? ""
        : $"  {Units.Duration(TimeSpan.FromSeconds((_meanStepSeconds ?? 0) * steps))} left{(_laterSteps > 0 ? " of this phase" : "")}";
}
