namespace Pique.Training;

/// <summary>What the schedules say of one step.</summary>
/// <param name="LearningRateFactor">Fraction of the highest learning rates.</param>
/// <param name="Strength">ρ of the quantizers, 0 to 1.</param>
internal readonly record struct StepPlan(double LearningRateFactor, double Strength)
{
    /// <summary>Reads the schedules at a position.</summary>
    /// <param name="options">The run's options.</param>
    /// <param name="state">Where the run stands.</param>
    public static StepPlan At(TrainerOptions options, TrainingState state) => new(
        options.LearningRateFactor is { } factor ? factor(state.Step) : LearningRateCurve.Factor(
            options.Training.Schedule,
            state.Step,
            state.TotalSteps,
            options.Training.ScheduleWarmupSteps,
            options.Training.FinalLearningRateFraction,
            options.Training.ScheduleDecayShare),
        StrengthAt(options, state));

    /// <summary>ρ rises linearly from 0 at the first step to 1 at the first step after the warm-up epochs; docs/math.md §4.</summary>
    private static double StrengthAt(TrainerOptions options, TrainingState state)
    {
        long warmupSteps = (long)options.WarmupEpochs * state.StepsPerEpoch;
        return state.Step >= warmupSteps ? 1 : (double)state.Step / warmupSteps;
    }
}
