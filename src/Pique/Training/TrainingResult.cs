namespace Pique.Training;

/// <summary>Outcome of a training run.</summary>
/// <param name="Steps">Steps done, those before a resume included.</param>
/// <param name="TotalSteps">Steps of the whole run.</param>
/// <param name="SkippedSteps">Steps passed over for a loss or gradient that was not finite.</param>
/// <param name="LastLoss">Loss of the last finite step of this call, or null where it made none.</param>
/// <param name="Interrupted">Whether it stopped early on request; it can be resumed.</param>
/// <param name="TeacherDigest">SHA-256 of the teacher's parameters before and, for a frozen teacher, after; null without a teacher.</param>
public sealed record TrainingResult(int Steps, int TotalSteps, int SkippedSteps, double? LastLoss, bool Interrupted, string? TeacherDigest)
{
    /// <summary>Whether the held-out loss ended the run before its last step.</summary>
    public bool StoppedEarly { get; init; }

    /// <summary>Step of the weights the student was left with: the last one, or the best where the recipe keeps it.</summary>
    public int FinalStep { get; init; } = Steps;

    /// <summary>Lowest held-out loss, in nats per token; null where it was not measured.</summary>
    public double? BestHeldOutLoss { get; init; }
}
