namespace Pique.Benchmarks.TrainingSteps;

/// <summary>What a step does.</summary>
internal enum StepKind
{
    /// <summary>Plain fine-tuning: no quantizer, no teacher.</summary>
    Plain,

    /// <summary>PiQ3 with learned step sizes, no teacher.</summary>
    Quantized,

    /// <summary>PiQ3 with learned step sizes under a frozen teacher: cross-entropy and distillation at T = 3.</summary>
    Taught,
}
