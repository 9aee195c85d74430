namespace Pique.Configuration;

/// <summary>How the optimizer runs: batch, schedule, checkpoints, seed and AdamW constants.</summary>
public sealed record TrainingRecipe
{
    /// <summary>Whether the model is trained as a whole or block by block.</summary>
    public TrainingMode Mode { get; init; }

    /// <summary>How blocks are trained one after another; null for the defaults. Only beside <see cref="TrainingMode.Blockwise"/>.</summary>
    public BlockwiseRecipe? Blockwise { get; init; }

    /// <summary>Tokens of one optimizer step.</summary>
    public int BatchTokens { get; init; } = 2048;

    /// <summary>Parts a batch's rows are divided into, whose gradients are added up before the optimizer steps: less memory for the same step. At most the rows of a batch.</summary>
    public int AccumulationSteps { get; init; } = 1;

    /// <summary>Keep only each block's input for the backward pass and compute the block again there: less memory for about a third more time, same bits.</summary>
    public bool GradientCheckpointing { get; init; }

    /// <summary>Type that matrix products are taken in.</summary>
    public ComputeType ComputeType { get; init; }

    /// <summary>Learning rate of the latent weights; null takes the rate of the quantization parameters.</summary>
    public float? WeightLearningRate { get; init; }

    /// <summary>How the learning rate falls after its warm-up.</summary>
    public LearningRateSchedule Schedule { get; init; } = LearningRateSchedule.Cosine;

    /// <summary>Steps over which the learning rate rises linearly from zero.</summary>
    public int ScheduleWarmupSteps { get; init; }

    /// <summary>Learning rate of the last step as a fraction of the highest, in [0, 1]. A constant schedule ignores it.</summary>
    public float FinalLearningRateFraction { get; init; } = 0.1f;

    /// <summary>Share of all steps over which <see cref="LearningRateSchedule.WarmupStableDecay"/> falls, in (0, 1]; other schedules ignore it.</summary>
    public float ScheduleDecayShare { get; init; } = 0.2f;

    /// <summary>Steps between two measurements of the held-out loss, one more after the last step; null for none while training.</summary>
    public int? EvaluateEverySteps { get; init; }

    /// <summary>End with the weights that had the lowest held-out loss. Needs <see cref="EvaluateEverySteps"/>.</summary>
    public bool KeepBest { get; init; }

    /// <summary>Measurements in a row without a new lowest held-out loss after which training ends; null for no such end. Needs <see cref="EvaluateEverySteps"/>.</summary>
    public int? EarlyStopEvaluations { get; init; }

    /// <summary>Steps between two checkpoints.</summary>
    public int CheckpointSteps { get; init; } = 200;

    /// <summary>Newest checkpoints that stay on disk.</summary>
    public int KeepCheckpoints { get; init; } = 2;

    /// <summary>Steps passed over in a row, for a loss or gradient that is not finite, after which the run fails.</summary>
    public int MaxSkippedSteps { get; init; } = 10;

    /// <summary>Seed of every random choice of the run.</summary>
    public long Seed { get; init; }

    /// <summary>Steps after which training ends even within an epoch; null for no limit.</summary>
    public int? MaxSteps { get; init; }

    /// <summary>AdamW's decay of the first moment, in [0, 1).</summary>
    public float AdamBeta1 { get; init; } = 0.9f;

    /// <summary>AdamW's decay of the second moment, in [0, 1).</summary>
    public float AdamBeta2 { get; init; } = 0.95f;

    /// <summary>AdamW's ε, greater than zero.</summary>
    public float AdamEpsilon { get; init; } = 1e-8f;

    /// <summary>How the optimizer's moments are held.</summary>
    public OptimizerStates OptimizerStates { get; init; }

    /// <summary>How weights under a quantizer are held between steps.</summary>
    public LatentWeights LatentWeights { get; init; }

    /// <summary>Weights inside the reasoning loss.</summary>
    public ReasoningPreset ReasoningPreset { get; init; }

    /// <summary>Keep the teacher's outputs on disk; null runs the teacher in every step.</summary>
    public TeacherCacheRecipe? TeacherCache { get; init; }
}
