using Pique.Configuration;

namespace Pique.Training;

/// <summary>The learning rate of each step as a fraction of the highest: linear warm-up, then the schedule.</summary>
public static class LearningRateCurve
{
    /// <summary>Computes the fraction.</summary>
    /// <param name="schedule">Shape after the warm-up.</param>
    /// <param name="step">Step, from 0 to <paramref name="totalSteps"/> − 1.</param>
    /// <param name="totalSteps">Steps of the run.</param>
    /// <param name="warmupSteps">Steps w over which the fraction rises: step i gets (i + 1)/(w + 1), step w the whole.</param>
    /// <param name="finalFraction">Fraction of the last step, in [0, 1]; <see cref="LearningRateSchedule.Constant"/> ignores it.</param>
    /// <returns>A number in [0, 1].</returns>
    public static double Factor(LearningRateSchedule schedule, int step, int totalSteps, int warmupSteps, double finalFraction)
    {
        if (step < warmupSteps)
        {
            return (step + 1.0) / (warmupSteps + 1.0);
        }

        double progress = Math.Min(1, (double)(step - warmupSteps) / Math.Max(1, totalSteps - 1 - warmupSteps));
        return schedule switch
        {
            LearningRateSchedule.Constant => 1,
            LearningRateSchedule.Linear => 1 - ((1 - finalFraction) * progress),
            LearningRateSchedule.Cosine => finalFraction + ((1 - finalFraction) * 0.5 * (1 + Math.Cos(Math.PI * progress))),
            _ => throw new ArgumentOutOfRangeException(nameof(schedule), schedule, "Not a learning rate schedule."),
        };
    }
}
