using Microsoft.Extensions.Logging;
using Pique.Evaluation;
using Pique.Pipeline;
using Pique.Training;

namespace Pique.Cli.Rendering;

/// <summary>Tells a run's events on a progress display. Also takes the library's log.</summary>
/// <param name="display">Where to tell them.</param>
internal sealed class TrainingProgress(ProgressDisplay display) : ILogger
{
    /// <summary>Weight of the newest step in the mean step time behind "time left".</summary>
    private const double NewestShare = 0.05;

    private double? _meanStepSeconds;

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

    /// <summary>Tells an event of the trainer.</summary>
    /// <param name="happening">The event.</param>
    public void Report(TrainingEvent happening)
    {
        switch (happening)
        {
            case TrainingEvent.Started started:
                Position = (0, started.TotalSteps);
                display.Line(Units.Text($"  {started.TotalSteps} steps, {started.StepsPerEpoch} an epoch; {started.WeightCount:N0} weights, {started.QuantizationParameterCount:N0} quantization parameters"));
                break;
            case TrainingEvent.Resumed resumed:
                Position = (resumed.Step, Position?.TotalSteps ?? resumed.Step);
                display.Line(Units.Text($"  resumed after step {resumed.Step} from {resumed.Folder}"));
                break;
            case TrainingEvent.CheckpointRejected rejected:
                display.Line($"warning: {rejected.Folder}: {rejected.Reason}; trying an older checkpoint");
                break;
            case TrainingEvent.StepCompleted completed:
                Advance(completed.Metrics, completed.TotalSteps);
                break;
            case TrainingEvent.StepSkipped skipped:
                Position = (skipped.Metrics.Step, Position?.TotalSteps ?? skipped.Metrics.Step);
                display.Line(Units.Text($"warning: step {skipped.Metrics.Step} was skipped: loss {skipped.Metrics.Loss}, gradient norm {skipped.Metrics.GradNorm}"));
                break;
            case TrainingEvent.EpochCompleted epoch:
                display.Line(Units.Text($"  epoch {epoch.Epoch} of {epoch.EpochCount}: mean loss {epoch.MeanLoss:F4}"));
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

    private static string PhaseText(PipelinePhase phase) => phase switch
    {
        PipelinePhase.Load => "Loading models and data",
        PipelinePhase.Rotate => "Rotating weights",
        PipelinePhase.Calibrate => "Finding scales",
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
        _meanStepSeconds = _meanStepSeconds is { } mean ? mean + (NewestShare * (metrics.StepSeconds - mean)) : metrics.StepSeconds;
        TimeSpan left = TimeSpan.FromSeconds(_meanStepSeconds.Value * (totalSteps - metrics.Step));
        display.Advance(metrics.Step, totalSteps, () =>
            Units.Text($"step {metrics.Step} of {totalSteps}  loss {metrics.Loss:F4}  {metrics.TokensPerSecond:N0} tokens/s  {Units.Duration(left)} left"));
    }
}
