using Pique.Configuration;
using Pique.Objectives;

namespace Pique.Training;

/// <summary>Everything a training run needs to know beside models and data.</summary>
public sealed record TrainerOptions
{
    /// <summary>Passes over the data.</summary>
    public int Epochs { get; init; } = 1;

    /// <summary>Highest learning rate of weights.</summary>
    public double WeightLearningRate { get; init; } = 1e-3;

    /// <summary>Highest learning rate of scales and α.</summary>
    public double QuantizationLearningRate { get; init; } = 1e-4;

    /// <summary>Decoupled weight decay, on weight matrices only.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Largest global gradient norm, or null for no clipping.</summary>
    public double? GradClip { get; init; } = 1.0;

    /// <summary>Epochs over which the quantization strength ρ rises from 0 to 1.</summary>
    public int WarmupEpochs { get; init; }

    /// <summary>Share of the adapters' rank components left out of each step.</summary>
    public double AdapterDropout { get; init; }

    /// <summary>Weights of the losses.</summary>
    public QatLossWeights LossWeights { get; init; } = new();

    /// <summary>Weights inside the reasoning loss.</summary>
    public ReasoningLossOptions ReasoningLoss { get; init; } = new();

    /// <summary>Keep the teacher's weights fixed and check their digest; false lets it learn from the task loss.</summary>
    public bool FreezeTeacher { get; init; } = true;

    /// <summary>Schedule, checkpoints, step limit, seed and AdamW constants. Batch size is the data's affair.</summary>
    public TrainingRecipe Training { get; init; } = new();

    /// <summary>Folder of metrics.jsonl and checkpoints/; null writes neither.</summary>
    public string? RunFolder { get; init; }

    /// <summary>The caller's lock on <see cref="RunFolder"/>; null where the trainer is to take one for itself.</summary>
    public RunLock? RunLock { get; init; }

    /// <summary>Continue from the newest whole checkpoint of <see cref="RunFolder"/>, or start where there is none.</summary>
    public bool Resume { get; init; }

    /// <summary>Digest of all that must be equal for a resume to make sense, such as the recipe and the data; empty for none.</summary>
    public string ConfigurationDigest { get; init; } = "";

    /// <summary>Write an event file of TensorBoard into <see cref="RunFolder"/> too.</summary>
    public bool TensorBoard { get; init; }

    /// <summary>Whether products take MKL's fast path, to be noted in checkpoints and compared on a resume; null where unknown.</summary>
    public bool? FastMath { get; init; }

    /// <summary>Fraction of the highest learning rates at each step, from 0, in place of the recipe's schedule; null for that.</summary>
    public Func<int, double>? LearningRateFactor { get; init; }

    /// <summary>The type of the matrix products where it is chosen already; null to choose it as the recipe says.</summary>
    internal ComputeTypeChoice? ComputeType { get; init; }

    /// <summary>Steps of the run's earlier phase, whose checkpoints lie in the same folder; 0 for none.</summary>
    internal int PriorSteps { get; init; }

    /// <summary>Steps of the earlier phase that were passed over.</summary>
    internal int PriorSkippedSteps { get; init; }

    /// <summary>Creates the files of checkpoints; tests let the disk fail here.</summary>
    internal Func<string, FileStream> CreateCheckpointFile { get; init; } = CheckpointStore.CreateFile;

    /// <summary>Options of quantization-aware training.</summary>
    /// <param name="recipe">A valid recipe.</param>
    public static TrainerOptions From(Recipe recipe) => new()
    {
        Epochs = recipe.Qat.Epochs,
        WeightLearningRate = recipe.Training.WeightLearningRate ?? recipe.Qat.LearningRate,
        QuantizationLearningRate = recipe.Qat.LearningRate,
        WeightDecay = recipe.Qat.WeightDecay,
        GradClip = recipe.Qat.GradClip,
        WarmupEpochs = recipe.Qat.WarmupEpochs,
        AdapterDropout = recipe.Lora?.Dropout ?? 0,
        LossWeights = recipe.Qat.LossWeights,
        ReasoningLoss = ReasoningLossOptions.Of(recipe.Training.ReasoningPreset),
        FreezeTeacher = recipe.Qat.FreezeTeacher,
        Training = recipe.Lora is null ? recipe.Training : recipe.Training with { GradientCheckpointing = true }, // Frozen weights take so little memory that what blocks keep would take most of it.
    };

    /// <summary>Options of the phase that trains block after block.</summary>
    /// <param name="recipe">A valid recipe whose mode is block-wise.</param>
    public static TrainerOptions ForBlocks(Recipe recipe)
    {
        BlockwiseRecipe blocks = recipe.Training.Blockwise ?? new();
        TrainerOptions options = From(recipe);
        return options with
        {
            Epochs = blocks.Epochs,
            WeightLearningRate = blocks.WeightLearningRate ?? options.WeightLearningRate,
            QuantizationLearningRate = blocks.LearningRate ?? options.QuantizationLearningRate,
            WarmupEpochs = 0,
            Training = options.Training with { MaxSteps = null, EvaluateEverySteps = null, KeepBest = false, EarlyStopEvaluations = null },
        };
    }

    /// <summary>Options of the phase after the blocks, which trains all scales end to end.</summary>
    /// <param name="recipe">A valid recipe whose mode is block-wise.</param>
    public static TrainerOptions ForScales(Recipe recipe) => From(recipe) with { WeightLearningRate = recipe.Qat.LearningRate, WarmupEpochs = 0 };

    /// <summary>The same without what is measured and kept while training.</summary>
    internal TrainerOptions ForRehearsal() => this with
    {
        RunFolder = null,
        RunLock = null,
        Training = Training with { EvaluateEverySteps = null, KeepBest = false, EarlyStopEvaluations = null },
    };

    /// <summary>Options of pretraining: cross-entropy alone.</summary>
    /// <param name="recipe">A valid recipe.</param>
    public static TrainerOptions From(PretrainRecipe recipe) => new()
    {
        Epochs = recipe.Epochs,
        WeightLearningRate = recipe.Training.WeightLearningRate ?? recipe.LearningRate,
        WeightDecay = recipe.WeightDecay,
        GradClip = recipe.GradClip,
        LossWeights = new() { LambdaTask = 1, LambdaKd = 0, LambdaReasoning = 0 },
        Training = recipe.Training,
    };
}
