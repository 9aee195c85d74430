using Microsoft.Extensions.Logging;
using Pique.Configuration;
using Pique.Training;

namespace Pique.Pipeline;

/// <summary>Trains a copy of the model with a learning rate that rises exponentially from step to step, and notes the losses. Writes nothing.</summary>
/// <remarks>The learning-rate range test, Smith 2017, arXiv:1506.01186, section 3.3, with an exponential rise. Scales keep the ratio of their rate to that of the weights; quantization is at full strength from the first step.</remarks>
/// <param name="time">The clock.</param>
/// <param name="logger">Told of what is unusual; null for nobody.</param>
public sealed class LearningRateFinder(TimeProvider time, ILogger? logger = null)
{
    /// <summary>Steps of the search.</summary>
    public const int Steps = 100;

    /// <summary>Learning rate of the weights in the first step.</summary>
    public const double LowestRate = 1e-6;

    /// <summary>The same in the last.</summary>
    public const double HighestRate = 1;

    /// <summary>Share of the running mean kept from step to step.</summary>
    private const double Smoothing = 0.9;

    /// <summary>The search ends where the smoothed loss is so many times its lowest.</summary>
    private const double DivergenceFactor = 3;

    /// <summary>Raised as the work goes on.</summary>
    public event Action<PipelineEvent>? Reported;

    /// <summary>Tells how much memory the process may have.</summary>
    internal Func<long?> AvailableBytes { get; init; } = () => new AvailableMemory().Bytes;

    /// <summary>The rate of a step.</summary>
    /// <param name="step">Step, from 0.</param>
    public static double RateAt(int step) => LowestRate * Math.Pow(HighestRate / LowestRate, (double)step / (Steps - 1));

    /// <summary>Searches.</summary>
    /// <param name="recipe">The recipe.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="ConfigurationException">The recipe is not valid.</exception>
    /// <exception cref="InputException">A model or the data cannot be used, or memory has no room for the run.</exception>
    /// <exception cref="RunFailedException">The loss is not finite at the lowest rate already.</exception>
    /// <exception cref="OperationCanceledException">The search was cancelled.</exception>
    public LearningRateRange Search(Recipe recipe, CancellationToken cancellationToken)
    {
        if (recipe.Training.Mode == TrainingMode.Blockwise)
        {
            throw new InputException("training.mode: found \"blockwise\", expected \"end_to_end\": the search looks at the loss of the whole model, and blocks have losses of their own. Set mode to \"end_to_end\" for the search.");
        }

        using RehearsalSetup setup = RehearsalSetup.Load(
            recipe, recipe.Calibration.Method == CalibrationMethod.Gptq ? CalibrationMethod.Mse : recipe.Calibration.Method, time, AvailableBytes(), logger, phase => Reported?.Invoke(new PipelineEvent.PhaseStarted(phase)));
        Reported?.Invoke(new PipelineEvent.PhaseStarted(PipelinePhase.Train));
        double highest = setup.Options.WeightLearningRate;
        if (highest <= 0)
        {
            throw new InputException("training.weight_learning_rate: found 0, expected a rate whose ratio to that of the scales can be kept; set it above 0.");
        }

        TrainerOptions options = setup.Options with
        {
            Epochs = (Steps + setup.Data.Train.BatchesPerEpoch - 1) / setup.Data.Train.BatchesPerEpoch,
            WarmupEpochs = 0,
            LearningRateFactor = step => RateAt(step) / highest,
            Training = setup.Options.Training with { MaxSteps = Steps, MaxSkippedSteps = 1 },
        };
        List<LearningRatePoint> points = [];
        using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using (var trainer = new Trainer(setup.Student, setup.Data.Train, options, setup.Teacher, time))
        {
            MemoryCheck.RequireRoom(trainer, setup.Memory, setup.MemorySetting, AvailableBytes());
            trainer.Reported += happening =>
            {
                Reported?.Invoke(new PipelineEvent.Trained(happening));
                if (happening is TrainingEvent.StepCompleted { Metrics: var metrics } && Add(points, metrics))
                {
                    enough.Cancel();
                }
            };
            try
            {
                trainer.Run(enough.Token);
            }
            catch (RunFailedException failure) when (failure.IsDivergence && points.Count > 1)
            {
                // The loss is no number any more: so high a rate was looked for.
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
        return new LearningRateRange(points);
    }

    /// <summary>Notes a step.</summary>
    /// <returns>Whether the loss has clearly diverged.</returns>
    private static bool Add(List<LearningRatePoint> points, StepMetrics metrics)
    {
        // Σ 0.9^age·loss ÷ Σ 0.9^age, carried on from the mean before.
        double weight = (1 - Math.Pow(Smoothing, points.Count)) / (1 - Smoothing);
        double before = points.Count == 0 ? 0 : points[^1].SmoothedLoss;
        double smoothed = ((Smoothing * weight * before) + metrics.Loss) / ((Smoothing * weight) + 1);
        points.Add(new(metrics.LearningRate, metrics.Loss, smoothed));
        return smoothed > DivergenceFactor * points.Min(point => point.SmoothedLoss);
    }
}
