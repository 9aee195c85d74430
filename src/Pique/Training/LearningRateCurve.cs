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
    /// <param name="finalFraction">Fraction f of the last step, in [0, 1]; <see cref="LearningRateSchedule.Constant"/> ignores it.</param>
    /// <param name="decayShare">Share d of the steps over which <see cref="LearningRateSchedule.WarmupStableDecay"/> falls, in (0, 1]; others ignore it.</param>
    /// <returns>A number in [0, 1].</returns>
    /// <remarks>
    /// With x the way from the first step of the fall (0) to the last step of the run (1): constant 1; linear 1 − (1 − f)·x;
    /// cosine f + (1 − f)·(1 + cos πx)/2; warm-up–stable–decay f + (1 − f)·(1 − √x). The fall begins after the warm-up, that of the last
    /// after step T − 1 − round(d·T), or after the warm-up where that is later.
    /// </remarks>
    public static double Factor(LearningRateSchedule schedule, int step, int totalSteps, int warmupSteps, double finalFraction, double decayShare = 1)
    {
        if (step < warmupSteps)
        {
            return (step + 1.0) / (warmupSteps + 1.0);
        }

        int lastStep = totalSteps - 1;
        int firstOfFall = schedule == LearningRateSchedule.WarmupStableDecay
            ? Math.Max(warmupSteps, lastStep - (int)Math.Round(decayShare * totalSteps))
            : warmupSteps;
        double progress = Math.Clamp((double)(step - firstOfFall) / Math.Max(1, lastStep - firstOfFall), 0, 1);
        return schedule switch
        {
            LearningRateSchedule.Constant => 1,
            LearningRateSchedule.Linear => 1 - ((1 - finalFraction) * progress),
            LearningRateSchedule.WarmupStableDecay => finalFraction + ((1 - finalFraction) * (1 - Math.Sqrt(progress))),
            LearningRateSchedule.Cosine => finalFraction + ((1 - finalFraction) * 0.5 * (1 + Math.Cos(Math.PI * progress))),
            _ => throw new ArgumentOutOfRangeException(nameof(schedule), schedule, "Not a learning rate schedule."),
        };
    }
}
