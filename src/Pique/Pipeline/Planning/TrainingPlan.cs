namespace Pique.Pipeline;

/// <summary>What a run will take, by measurement.</summary>
public sealed record TrainingPlan
{
    /// <summary>Trained weights.</summary>
    public required long WeightCount { get; init; }

    /// <summary>Trained scales and α.</summary>
    public required long QuantizationParameterCount { get; init; }

    /// <summary>Tokens of the training data, padding left out.</summary>
    public required long TokensPerEpoch { get; init; }

    /// <summary>Steps of the whole run.</summary>
    public required int Steps { get; init; }

    /// <summary>Steps of an epoch.</summary>
    public required int StepsPerEpoch { get; init; }

    /// <summary>Duration of the last measured step.</summary>
    public required double StepSeconds { get; init; }

    /// <summary>Duration of one measurement of the held-out loss; 0 where the recipe makes none while training.</summary>
    public required double EvaluationSeconds { get; init; }

    /// <summary>Measurements of the held-out loss while training.</summary>
    public required int Evaluations { get; init; }

    /// <summary>Most memory the process had in use at once in the measured steps; null where the system does not tell.</summary>
    public long? PeakMemoryBytes { get; init; }

    /// <summary>Memory that it may have in use; null where the system does not tell.</summary>
    public long? AvailableMemoryBytes { get; init; }

    /// <summary>Tokens of the whole run, padding left out.</summary>
    public double Tokens => (double)TokensPerEpoch * Steps / StepsPerEpoch;

    /// <summary>Duration of all steps and measurements of the held-out loss.</summary>
    public double TrainingSeconds => (Steps * StepSeconds) + (Evaluations * EvaluationSeconds);
}
