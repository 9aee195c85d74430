using Microsoft.Extensions.Logging;
using Pique.Configuration;
using Pique.Quantization;
using Pique.Training;

namespace Pique.Pipeline;

/// <summary>Finds out what a run will take, from two real steps on a copy of the model. Writes nothing.</summary>
/// <param name="time">The clock.</param>
/// <param name="logger">Told of what is unusual; null for nobody.</param>
public sealed class TrainingPlanner(TimeProvider time, ILogger? logger = null)
{
    /// <summary>The first step also pays for what is made once.</summary>
    private const int MeasuredSteps = 2;

    /// <summary>Raised as the work goes on.</summary>
    public event Action<PipelineEvent>? Reported;

    /// <summary>Tells how much memory the process may have.</summary>
    internal Func<long?> AvailableBytes { get; init; } = () => new AvailableMemory().Bytes;

    /// <summary>Plans a run.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="cancellationToken">Ends the measurement.</param>
    /// <exception cref="ConfigurationException">The recipe is not valid.</exception>
    /// <exception cref="InputException">A model or the data cannot be used, or memory has no room for the run; the message then advises what there is room for.</exception>
    /// <exception cref="OperationCanceledException">The measurement was cancelled.</exception>
    public TrainingPlan Plan(Recipe recipe, CancellationToken cancellationToken)
    {
        // Covering scales: neither memory nor time depends on a better choice.
        using RehearsalSetup setup = RehearsalSetup.Load(recipe, CalibrationMethod.Rtn, time, AvailableBytes(), logger, phase => Reported?.Invoke(new PipelineEvent.PhaseStarted(phase)));
        Reported?.Invoke(new PipelineEvent.PhaseStarted(PipelinePhase.Train));
        BlockRehearsal? blocks = recipe.Training.Mode == TrainingMode.Blockwise ? BlockRehearsal.Run(setup, recipe, time, cancellationToken) : null;
        TrainingPlan plan = blocks is not null && !(recipe.Training.Blockwise ?? new()).ScalesEndToEnd ? WithoutSteps(setup) : PlanEndToEnd(setup, recipe, blocks is not null, cancellationToken);
        return blocks is null ? plan : plan with
        {
            WeightCount = blocks.WeightCount,
            QuantizationParameterCount = Math.Max(plan.QuantizationParameterCount, blocks.QuantizationParameterCount),
            BlockSteps = blocks.Steps,
            BlockStepSeconds = blocks.StepSeconds,
            BlockPassSeconds = blocks.PassSeconds,
            ActivationDiskBytes = blocks.DiskBytes,
            PeakMemoryBytes = blocks.PeakMemoryBytes is { } peak ? Math.Max(peak, plan.PeakMemoryBytes ?? 0) : null,
        };
    }

    private TrainingPlan WithoutSteps(RehearsalSetup setup) => new()
    {
        WeightCount = 0,
        QuantizationParameterCount = 0,
        TokensPerEpoch = setup.Data.Train.Statistics.Tokens,
        Steps = 0,
        StepsPerEpoch = setup.Data.Train.BatchesPerEpoch,
        StepSeconds = 0,
        Evaluations = 0,
        EvaluationSeconds = 0,
        AvailableMemoryBytes = AvailableBytes(),
    };

    /// <summary>Plans training end to end; after the blocks, that of the scales alone.</summary>
    private TrainingPlan PlanEndToEnd(RehearsalSetup setup, Recipe recipe, bool fixesCodes, CancellationToken cancellationToken)
    {
        TrainerOptions options = setup.Options;
        if (fixesCodes)
        {
            ModelQuantizer.FixCodes(setup.Student, setup.Student.QuantizableLayers);
            options = TrainerOptions.ForScales(recipe) with { Training = options.Training };
        }

        options = options with { Training = options.Training with { MaxSteps = Math.Min(MeasuredSteps, options.Training.MaxSteps ?? MeasuredSteps) } };
        TrainingEvent.Started? started = null;
        StepMetrics? last = null;
        using (var trainer = new Trainer(setup.Student, setup.Data.Train, options, setup.Teacher, time))
        {
            MemoryCheck.RequireRoom(trainer, setup.Memory, setup.MemorySetting, AvailableBytes());
            trainer.Reported += happening =>
            {
                started = happening as TrainingEvent.Started ?? started;
                last = happening is TrainingEvent.StepCompleted step ? step.Metrics : happening is TrainingEvent.StepSkipped skipped ? skipped.Metrics : last;
            };
            trainer.Run(cancellationToken);
        }

        cancellationToken.ThrowIfCancellationRequested();
        int stepsPerEpoch = setup.Data.Train.BatchesPerEpoch;
        int steps = (int)Math.Min((long)stepsPerEpoch * recipe.Qat.Epochs, recipe.Training.MaxSteps ?? int.MaxValue);
        int evaluations = recipe.Training.EvaluateEverySteps is { } every ? (steps + every - 1) / every : 0;
        return new()
        {
            WeightCount = started!.WeightCount,
            QuantizationParameterCount = started.QuantizationParameterCount,
            TokensPerEpoch = setup.Data.Train.Statistics.Tokens,
            Steps = steps,
            StepsPerEpoch = stepsPerEpoch,
            StepSeconds = last!.StepSeconds,
            Evaluations = evaluations,
            EvaluationSeconds = evaluations > 0 ? EvaluationSeconds(setup, cancellationToken) : 0,
            PeakMemoryBytes = last.PeakMemoryBytes,
            AvailableMemoryBytes = AvailableBytes(),
        };
    }

    private double EvaluationSeconds(RehearsalSetup setup, CancellationToken cancellationToken)
    {
        long started = time.GetTimestamp();
        HeldOutEvaluation.Loss(setup.Student, setup.Data, cancellationToken);
        return time.GetElapsedTime(started).TotalSeconds;
    }
}
