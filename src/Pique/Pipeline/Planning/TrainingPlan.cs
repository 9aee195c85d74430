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

    /// <summary>Steps of training end to end: of the whole run, but in block-wise mode of its second phase alone.</summary>
    public required int Steps { get; init; }

    /// <summary>Steps of an epoch.</summary>
    public required int StepsPerEpoch { get; init; }

    /// <summary>Duration of the last measured step.</summary>
    public required double StepSeconds { get; init; }

    /// <summary>Duration of one measurement of the held-out loss; 0 where the recipe makes none while training.</summary>
    public required double EvaluationSeconds { get; init; }

    /// <summary>Measurements of the held-out loss while training.</summary>
    public required int Evaluations { get; init; }

    /// <summary>Steps of training block by block, of all blocks; 0 in any other mode.</summary>
    public int BlockSteps { get; init; }

    /// <summary>Duration of the last measured one of them.</summary>
    public double BlockStepSeconds { get; init; }

    /// <summary>Duration of the passes over activations between the blocks, the writing of them left out.</summary>
    public double BlockPassSeconds { get; init; }

    /// <summary>Most bytes that activations between blocks take on the disk at once.</summary>
    public long ActivationDiskBytes { get; init; }

    /// <summary>Most memory the process had in use at once in the measured steps; null where the system does not tell.</summary>
    public long? PeakMemoryBytes { get; init; }

    /// <summary>Memory that it may have in use; null where the system does not tell.</summary>
    public long? AvailableMemoryBytes { get; init; }

    /// <summary>Tokens of the whole run, padding left out.</summary>
    public double Tokens => (double)TokensPerEpoch * Steps / StepsPerEpoch;

    /// <summary>Duration of all steps, passes and measurements of the held-out loss.</summary>
    public double TrainingSeconds => (BlockSteps * BlockStepSeconds) + BlockPassSeconds + (Steps * StepSeconds) + (Evaluations * EvaluationSeconds);
}
