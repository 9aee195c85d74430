using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pique.Data;
using Pique.Models.Generation;

namespace Pique.Interop.Tests.Fixture;

/// <summary>A model in llama.cpp. Every call starts with an empty context.</summary>
/// <remarks>
/// llama.cpp multiplies float32 weights by activations as they are, but rounds the activations to the type of float16 and bfloat16 weights,
/// and to eight bits for quantized ones: a tolerance for logits must allow for it.
/// </remarks>
internal sealed class LlamaCppModel : IDisposable
{
    private readonly LlamaCppScript _script;
    private readonly int _key;

    /// <summary>Loads a model.</summary>
    /// <param name="script">Who runs it.</param>
    /// <param name="path">GGUF file.</param>
    /// <param name="contextTokens">Longest sequence; null for the vocabulary alone.</param>
    public LlamaCppModel(LlamaCppScript script, string path, int? contextTokens)
    {
        _script = script;
        JsonNode loaded = Call("load", ("path", path), ("contextTokens", contextTokens))!;
        _key = (int)loaded["model"]!;
        VocabularySize = (int)loaded["vocabularySize"]!;
        CacheTypes = ((int?)loaded["keyType"], (int?)loaded["valueType"]);
    }

    /// <summary>Longest time of a call.</summary>
    public TimeSpan CallLimit { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>Number of token ids.</summary>
    public int VocabularySize { get; }

    /// <summary>ggml's numbers of the types that keys and values are cached in; null for a vocabulary alone.</summary>
    public (int? Key, int? Value) CacheTypes { get; }

    /// <summary>Encodes texts. Special tokens written out in them are text; none is added.</summary>
    public int[][] Tokenize(IReadOnlyList<string> texts) => CallFor<int[][]>("tokenize", ("texts", Node(texts)));

    /// <summary>Encodes a text. See <see cref="Tokenize(IReadOnlyList{string})"/>.</summary>
    public int[] Tokenize(string text) => Tokenize([text])[0];

    /// <summary>Decodes lists of ids to texts. Special tokens are left out.</summary>
    public string[] Detokenize(IReadOnlyList<IReadOnlyList<int>> sequences) => CallFor<string[]>("detokenize", ("sequences", Node(sequences)));

    /// <summary>The logits after every token, as llama.cpp computes them.</summary>
    /// <param name="tokenIds">Token ids, at least one.</param>
    /// <returns>Shape [token, vocabulary].</returns>
    public float[][] Logits(IReadOnlyList<int> tokenIds)
    {
        using TemporaryFolder folder = new();
        string path = folder.File("logits.f32");
        Call("logits", ("tokens", Node(tokenIds)), ("path", path));
        float[] values = MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(path)).ToArray();
        Assert.Equal(tokenIds.Count * VocabularySize, values.Length);
        Assert.DoesNotContain(values, float.IsNaN);
        return [.. values.Chunk(VocabularySize)];
    }

    /// <summary>Natural logarithms of the probabilities of every token to come next, after every token.</summary>
    /// <param name="tokenIds">Token ids, at least one.</param>
    /// <returns>Shape [token, vocabulary].</returns>
    public double[][] LogProbabilities(IReadOnlyList<int> tokenIds) => [.. Logits(tokenIds).Select(LogSoftmax)];

    /// <summary>Mean negative log-likelihood of tokens, in nats; every row has a context of its own, and its first token is not predicted.</summary>
    /// <param name="rows">Token ids of each row.</param>
    /// <param name="counted">Which tokens count, in the shape of the rows; null for all but the first of each row.</param>
    public double NegativeLogLikelihood(IReadOnlyList<IReadOnlyList<int>> rows, IReadOnlyList<IReadOnlyList<bool>>? counted = null) =>
        Mean(rows.SelectMany((row, index) => Losses([.. row.SkipLast(1)], [.. row.Skip(1)], counted?[index].Skip(1).ToArray())));

    /// <summary>Mean negative log-likelihood of the targets that count, in nats: what <see cref="Evaluation.LanguageModelEvaluator"/> measures.</summary>
    /// <param name="batches">Batches; disposed here one by one.</param>
    public double NegativeLogLikelihood(IEnumerable<TokenBatch> batches) => Mean(batches.SelectMany(batch =>
    {
        using (batch)
        {
            int rowTokens = (int)batch.Inputs.shape[1];
            int[][] inputs = Rows(batch.Inputs.data<long>(), id => (int)id);
            int[][] targets = Rows(batch.Targets.data<long>(), id => (int)id);
            bool[][] masks = Rows(batch.LossMask.data<float>(), mask => mask == 1);
            return inputs.SelectMany((row, index) => Losses(row, targets[index], masks[index])).ToArray();

            TOut[][] Rows<TIn, TOut>(IEnumerable<TIn> values, Func<TIn, TOut> convert) => [.. values.Select(convert).Chunk(rowTokens)];
        }
    }));

    /// <summary>Continues a prompt with the likeliest token each time, as <see cref="TokenGenerator"/> does at temperature zero.</summary>
    /// <param name="prompt">Token ids, at least one.</param>
    /// <param name="maxTokens">Most tokens to write.</param>
    /// <param name="stopIds">Tokens that end the sequence.</param>
    public GeneratedSequence Greedy(IReadOnlyList<int> prompt, int maxTokens, params IReadOnlyList<int> stopIds)
    {
        JsonNode result = Call("greedy", ("prompt", Node(prompt)), ("maxTokens", maxTokens), ("stopIds", Node(stopIds)))!;
        return new GeneratedSequence(result["tokens"].Deserialize<int[]>()!, Enum.Parse<FinishReason>((string)result["finishReason"]!));
    }

    /// <summary>Frees the model.</summary>
    public void Dispose()
    {
        if (!_script.HasExited)
            Call("unload");
    }

    private static JsonNode Node<T>(T value) => JsonSerializer.SerializeToNode(value)!;

    private static double[] LogSoftmax(float[] logits)
    {
        double largest = logits.Max();
        double logOfSum = Math.Log(logits.Sum(logit => Math.Exp(logit - largest)));
        return [.. logits.Select(logit => logit - largest - logOfSum)];
    }

    private static double Mean(IEnumerable<double> losses) => losses.Average();

    private IEnumerable<double> Losses(int[] inputs, int[] targets, bool[]? counted)
    {
        int last = counted is null ? inputs.Length - 1 : Array.LastIndexOf(counted, true);
        if (last < 0)
            return [];
        double[][] logProbabilities = LogProbabilities(inputs[..(last + 1)]);
        return logProbabilities.Select((row, index) => (Loss: -row[targets[index]], Counts: counted?[index] ?? true)).Where(token => token.Counts).Select(token => token.Loss);
    }

    private T CallFor<T>(string command, params (string, JsonNode?)[] parameters) => Call(command, parameters).Deserialize<T>()!;

    private JsonNode? Call(string command, params (string Name, JsonNode? Value)[] parameters) =>
        _script.Request(command, CallLimit, _key == 0 ? parameters : [("model", _key), .. parameters]);
}
