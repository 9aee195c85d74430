using System.Text;
using Pique.Models;
using Pique.Quantization;
using Pique.Tests.Data;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Evaluation;

/// <summary>A model of bytes that answers each prompt with the text it was given for it, and then ends; a prompt it does not know with an end at once.</summary>
/// <remarks>It keeps what it has read in the cache, as a real model does, so padding and rows that leave the batch are its business too.</remarks>
internal sealed class ScriptedModel(IReadOnlyDictionary<string, string> answers, int contextTokens = 512) : CausalLanguageModel(nameof(ScriptedModel))
{
    private const int Vocabulary = 259;

    public override int VocabularySize => Vocabulary;

    public override int ContextTokens => contextTokens;

    public override IReadOnlyList<(string Name, IQuantizableLayer Layer)> QuantizableLayers => [];

    /// <summary>Prompts of each batch.</summary>
    public List<long> BatchRows { get; } = [];

    /// <summary>Times the model was asked.</summary>
    public int Passes { get; private set; }

    /// <summary>The next token, as the only channel, after the last token; shape [batch, tokens, 1].</summary>
    public override Tensor HiddenStates(Tensor tokens, KeyValueCache? cache = null)
    {
        Assert.NotNull(cache);
        Passes++;
        if (cache.TokenCount == 0)
            BatchRows.Add(tokens.shape[0]);
        using DisposeScope scope = NewDisposeScope();
        Tensor read = tokens.to(ScalarType.Float32).view(tokens.shape[0], 1, -1, 1);
        (Tensor all, _) = cache.Extend(0, read, read);
        cache.Advance((int)tokens.shape[1]);
        int[][] histories = [.. Enumerable.Range(0, (int)tokens.shape[0]).Select(row => all[row].contiguous().data<float>().Select(token => (int)token).ToArray())];
        long[] next = [.. histories.Select((history, row) => (long)Next(history.AsSpan(cache.LeftPadding![row])))];
        return tensor(next, dtype: ScalarType.Float32).view(-1, 1, 1).expand(-1, tokens.shape[1], 1).contiguous().MoveToOuterDisposeScope();
    }

    public override Tensor Logits(Tensor hidden)
    {
        using DisposeScope scope = NewDisposeScope();
        return arange(Vocabulary, dtype: ScalarType.Float32).eq(hidden).to(ScalarType.Float32).MoveToOuterDisposeScope();
    }

    private int Next(ReadOnlySpan<int> history)
    {
        Assert.Equal(ByteTokenizer.Begin, history[0]);
        string text = Encoding.UTF8.GetString([.. history[1..].ToArray().Select(token => (byte)token)]);
        foreach ((string prompt, string answer) in answers)
        {
            if (text.StartsWith(prompt + "\n", StringComparison.Ordinal))
            {
                byte[] bytes = Encoding.UTF8.GetBytes(answer);
                int written = history.Length - 2 - Encoding.UTF8.GetByteCount(prompt);
                return written < bytes.Length ? bytes[written] : ByteTokenizer.End;
            }
        }

        return ByteTokenizer.End;
    }
}
