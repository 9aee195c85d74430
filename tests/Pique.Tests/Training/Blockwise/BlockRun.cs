using Pique.Configuration;
using Pique.Data;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Training;

namespace Pique.Tests.Training.Blockwise;

/// <summary>A student of <see cref="TinyRun"/>, its teacher, and rows of counting tokens, some of them with padding.</summary>
internal static class BlockRun
{
    public const int Rows = 7;
    public const int Blocks = 2;
    public const int Epochs = 3;

    /// <summary>Batches of 2 rows, the last of one.</summary>
    public const int StepsPerBlock = Epochs * 4;

    public static PackedDataset Data(int batchTokens = 2 * TinyRun.Context) => new(
        Enumerable.Range(0, Rows).Select(row => new TokenizedRecord(
            [.. Enumerable.Range(0, TinyRun.Context - (row % 3)).Select(place => (row + (3 * place)) % TinyRun.Vocabulary)],
            [.. Enumerable.Range(0, TinyRun.Context - (row % 3)).Select(place => place > 0)],
            [],
            DataDomain.General)),
        new(TinyRun.Context, batchTokens, Seed: 5));

    public static LlamaModel Teacher() => TinyRun.Model();

    public static LlamaModel Student(GridKind kind = GridKind.TwosComplement, SteVariant? estimator = null)
    {
        LlamaModel student = TinyRun.Model();
        ModelQuantizer.Prepare(
            student.QuantizableLayers,
            _ => new WeightQuantizationSpec(2, new QuantGranularity.PerChannel(), estimator ?? new SteVariant.LearnedStepSize(), Kind: kind),
            ScaleMethod.MinimumError);
        return student;
    }

    public static TrainerOptions Options(string folder) => new()
    {
        Epochs = Epochs,
        WeightLearningRate = 5e-3,
        QuantizationLearningRate = 2e-3,
        WeightDecay = 0.01,
        Training = new() { Mode = TrainingMode.Blockwise, CheckpointSteps = 5, KeepCheckpoints = 2, Seed = 9, ComputeType = ComputeType.Float32 },
        RunFolder = folder,
        ConfigurationDigest = "tiny",
    };

    /// <summary>Options of the phase after the blocks.</summary>
    public static TrainerOptions ScaleOptions(string folder) => Options(folder) with
    {
        Epochs = 2,
        Resume = true,
        PriorSteps = Blocks * StepsPerBlock,
        LossWeights = new() { LambdaTask = 1, LambdaKd = 0.5f, LambdaReasoning = 0, KdTemperature = 2 },
    };

    public static string Activations(string folder) => Path.Combine(folder, ActivationStore.FolderName);
}
