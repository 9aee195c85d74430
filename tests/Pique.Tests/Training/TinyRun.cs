using Pique.Configuration;
using Pique.Data;
using Pique.Models.Llama;
using Pique.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Training;

/// <summary>A two-block Llama of 23-token vocabulary and seeded batches for it.</summary>
internal static class TinyRun
{
    public const int Context = 16;
    public const int Vocabulary = 23;

    public static LlamaModel Model(long seed = 1)
    {
        LlamaModel model = new(new LlamaConfig
        {
            VocabularySize = Vocabulary,
            HiddenSize = 16,
            IntermediateSize = 24,
            LayerCount = 2,
            HeadCount = 2,
            KeyValueHeadCount = 1,
            HeadSize = 8,
            ContextTokens = Context,
            TieWordEmbeddings = true,
        });
        LlamaInitializer.Initialize(model, seed);
        return model;
    }

    /// <summary>Names of all parameters with their bytes.</summary>
    public static Dictionary<string, byte[]> Bytes(nn.Module model)
    {
        using DisposeScope scope = NewDisposeScope();
        return model.named_parameters().ToDictionary(item => item.name, item => item.parameter.detach().contiguous().bytes.ToArray());
    }

    public static void AssertSameBytes(nn.Module expected, nn.Module actual)
    {
        Dictionary<string, byte[]> left = Bytes(expected), right = Bytes(actual);
        Assert.Equal(left.Keys, right.Keys);
        Assert.All(left, item => Assert.True(item.Value.AsSpan().SequenceEqual(right[item.Key]), item.Key));
    }

    public static TrainerOptions Options(string? folder, int epochs = 2) => new()
    {
        Epochs = epochs,
        WeightLearningRate = 1e-2,
        WeightDecay = 0.1,
        Training = new() { CheckpointSteps = 3, KeepCheckpoints = 2, ScheduleWarmupSteps = 2, ComputeType = ComputeType.Float32 },
        LossWeights = new() { LambdaTask = 1, LambdaKd = 0, LambdaReasoning = 0 },
        RunFolder = folder,
        ConfigurationDigest = "tiny",
    };
}

/// <summary>Batches of two rows that count in threes from a start drawn by epoch and place; masked at the start of each row; one chain of thought in each.</summary>
internal sealed class TinyBatches(int batchesPerEpoch = 5) : IBatchSource
{
    public int BatchesPerEpoch => batchesPerEpoch;

    public IEnumerable<TokenBatch> Batches(int epoch, int startBatch = 0) =>
        Enumerable.Range(startBatch, batchesPerEpoch - startBatch).Select(batch => GetBatch(epoch, batch));

    public static TokenBatch GetBatch(int epoch, int batchIndex)
    {
        Random random = new((epoch * 1000) + batchIndex);
        const int Rows = 2;
        int[] starts = [random.Next(TinyRun.Vocabulary), random.Next(TinyRun.Vocabulary)];
        long[] tokens = [.. starts.SelectMany(start => Enumerable.Range(0, TinyRun.Context + 1).Select(i => (long)(start + (3 * i)) % TinyRun.Vocabulary))];
        using DisposeScope scope = NewDisposeScope();
        Tensor all = tensor(tokens).reshape(Rows, TinyRun.Context + 1);
        Tensor mask = ones(Rows, TinyRun.Context);
        mask.index_put_(0, TensorIndex.Ellipsis, TensorIndex.Slice(0, 3));
        return new(
            all.index(TensorIndex.Colon, TensorIndex.Slice(0, TinyRun.Context)).contiguous().MoveToOuterDisposeScope(),
            all.index(TensorIndex.Colon, TensorIndex.Slice(1, TinyRun.Context + 1)).contiguous().MoveToOuterDisposeScope(),
            mask.MoveToOuterDisposeScope(),
            [
                new(1, 0, new(4, 3, ReasoningSpanKind.Calculation)),
                new(1, 0, new(7, 4, ReasoningSpanKind.Conclusion)),
                new(1, 0, new(12, 2, ReasoningSpanKind.Answer)),
            ],
            Rows * TinyRun.Context);
    }
}

/// <summary>A folder that is deleted with its content.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("pique-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
