using Pique.Data;
using Pique.Models.Llama;
using Pique.Numerics;
using static TorchSharp.torch;

namespace Pique.Benchmarks.TrainingSteps;

/// <summary>A model shape whose training steps are timed: that of stories15M, with a small vocabulary or its own.</summary>
/// <param name="Name">Name in the table.</param>
/// <param name="Vocabulary">Tokens of the vocabulary.</param>
/// <param name="Rounds">Steps of each contender that count.</param>
internal sealed record TrainingShape(string Name, int Vocabulary, int Rounds)
{
    public const int Batch = 8;
    public const int Tokens = 256;
    public const int Hidden = 288;
    public const int FeedForward = 768;
    public const int Layers = 6;
    public const int Heads = 6;
    public const float LearningRate = 1e-4f;

    public static IReadOnlyList<TrainingShape> All { get; } = [new("A", 512, 9), new("B", 32_000, 7)];

    public static TrainingShape Named(string name) => All.Single(shape => shape.Name == name);

    /// <summary>Parameters of the matrices that a token is multiplied by, the tied head among them.</summary>
    public long MultipliedParameters => ((long)Vocabulary * Hidden) + (Layers * ((4L * Hidden * Hidden) + (3L * Hidden * FeedForward)));

    public LlamaConfig Config => new()
    {
        VocabularySize = Vocabulary,
        HiddenSize = Hidden,
        IntermediateSize = FeedForward,
        LayerCount = Layers,
        HeadCount = Heads,
        KeyValueHeadCount = Heads,
        HeadSize = Hidden / Heads,
        ContextTokens = Tokens,
        TieWordEmbeddings = true,
    };

    /// <summary>A batch of seeded random tokens, every one of which counts.</summary>
    public TokenBatch RandomBatch()
    {
        SplitMix64 random = SplitMix64.ForStream(1, Vocabulary);
        long[] Draw() => [.. Enumerable.Range(0, Batch * Tokens).Select(_ => (long)random.NextInt32(Vocabulary))];
        return new(tensor(Draw(), [Batch, Tokens]), tensor(Draw(), [Batch, Tokens]), ones(Batch, Tokens), [], Batch * Tokens);
    }
}
