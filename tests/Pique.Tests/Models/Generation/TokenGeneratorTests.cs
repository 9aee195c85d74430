using Pique.Models.Generation;
using Pique.Models.Llama;
using Pique.Tests.Models.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Generation;

public class TokenGeneratorTests
{
    private static readonly int[][] Prompts = [[1, 2, 3, 4, 5, 6, 7], [9], [11, 12, 13]];

    [Fact]
    public void Greedy_tokens_are_the_likeliest_of_the_whole_pass()
    {
        using LlamaModel model = TinyLlama.Create();

        GeneratedSequence sequence = Single(model, Prompts[0], new() { MaxTokens = 10 });

        List<int> tokens = [.. Prompts[0]];
        for (int step = 0; step < 10; step++)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor logits = model.forward(tensor(tokens.Select(id => (long)id).ToArray()).unsqueeze(0));
            tokens.Add((int)logits[0, -1].argmax().ToInt64());
        }

        Assert.Equal(tokens[Prompts[0].Length..], sequence.TokenIds);
        Assert.Equal(FinishReason.MaxTokens, sequence.FinishReason);
    }

    [Theory]
    [InlineData(0.0, 1.0)]
    [InlineData(0.9, 1.0)]
    [InlineData(1.3, 0.8)]
    public void A_batch_writes_what_each_prompt_would_alone(double temperature, double topP)
    {
        using LlamaModel model = TinyLlama.Create();
        GenerationOptions options = new() { MaxTokens = 20, Temperature = temperature, TopP = topP, Seed = 5, StopIds = [3, 8, 21] };

        IReadOnlyList<GeneratedSequence> together = Batch(model, Prompts, options);

        // Rows draw from streams of their own, so each prompt is asked at its own place, among others of one token.
        for (int row = 0; row < Prompts.Length; row++)
        {
            int[][] others = [.. Prompts.Select((prompt, index) => index == row ? prompt : [30])];
            GeneratedSequence alone = Batch(model, others, options)[row];
            Assert.Equal(alone.TokenIds, together[row].TokenIds);
            Assert.Equal(alone.FinishReason, together[row].FinishReason);
        }
    }

    [Fact]
    public void Equal_seeds_give_equal_texts_and_other_seeds_others()
    {
        using LlamaModel model = TinyLlama.Create();
        GenerationOptions options = new() { MaxTokens = 30, Temperature = 1, Seed = 1 };

        IReadOnlyList<int> first = Single(model, Prompts[0], options).TokenIds;
        IReadOnlyList<int> second = Single(model, Prompts[0], options).TokenIds;
        IReadOnlyList<int> other = Single(model, Prompts[0], options with { Seed = 2 }).TokenIds;

        Assert.Equal(first, second);
        Assert.NotEqual(first, other);
    }

    [Fact]
    public void A_stop_token_ends_a_row_and_is_neither_written_nor_told()
    {
        using LlamaModel model = TinyLlama.Create();
        IReadOnlyList<int> free = Single(model, Prompts[0], new() { MaxTokens = 12 }).TokenIds;
        int stop = free[4];
        int expectedLength = free.ToList().IndexOf(stop);
        List<int> told = [];

        GeneratedSequence stopped = Single(model, Prompts[0], new() { MaxTokens = 12, StopIds = [stop] }, told.Add);

        Assert.Equal(FinishReason.StopToken, stopped.FinishReason);
        Assert.Equal(free.Take(expectedLength), stopped.TokenIds);
        Assert.Equal(stopped.TokenIds, told);
    }

    [Fact]
    public void A_row_ends_where_its_own_context_is_full()
    {
        using LlamaModel model = TinyLlama.Create();

        IReadOnlyList<GeneratedSequence> sequences = Batch(model, [[.. Enumerable.Range(0, 40)], [5]], new() { MaxTokens = 100 });

        Assert.Equal([8, 47], sequences.Select(sequence => sequence.TokenIds.Count));
        Assert.All(sequences, sequence => Assert.Equal(FinishReason.ContextFull, sequence.FinishReason));
    }

    [Fact]
    public void Nothing_stays_alive_after_a_generation()
    {
        using LlamaModel model = TinyLlama.Create();
        Batch(model, Prompts, new() { MaxTokens = 3 });
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        Batch(model, Prompts, new() { MaxTokens = 40, Temperature = 1, StopIds = [1, 2, 3] });

        Assert.Equal(before, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void Cancellation_ends_between_tokens()
    {
        using LlamaModel model = TinyLlama.Create();
        using CancellationTokenSource source = new();
        int told = 0;

        Assert.Throws<OperationCanceledException>(() => TokenGenerator.Generate(
            model,
            Prompts[0],
            new() { MaxTokens = 30 },
            _ =>
            {
                if (++told == 3)
                    source.Cancel();
            },
            source.Token));
        Assert.Equal(3, told);
    }

    [Theory]
    [InlineData(0, "Prompt 1: it has no tokens, expected at least one. Give some text, or let the tokenizer add its beginning-of-sequence token.")]
    [InlineData(48, "Prompt 1: its 48 tokens leave no room in the model's context of 48. Shorten it to at most 47 tokens.")]
    public void A_prompt_of_wrong_length_is_refused(int length, string message)
    {
        using LlamaModel model = TinyLlama.Create();

        InputException error = Assert.Throws<InputException>(() => Batch(model, [[1], new int[length]], new()));

        Assert.Equal(message, error.Message);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(40)]
    public void A_token_outside_the_vocabulary_is_refused(int id)
    {
        using LlamaModel model = TinyLlama.Create();

        InputException error = Assert.Throws<InputException>(() => Single(model, [1, id], new()));

        Assert.Equal($"Prompt 0: token id {id} is outside the model's vocabulary of 40. Use the tokenizer that belongs to the model.", error.Message);
    }

    [Fact]
    public void Options_without_meaning_are_refused_all_at_once()
    {
        using LlamaModel model = TinyLlama.Create();

        InputException error = Assert.Throws<InputException>(() => Single(model, [1], new() { MaxTokens = 0, Temperature = -1, TopP = 0 }));

        Assert.Equal(
            "Generation: the most tokens to write is 0, expected at least 1; the temperature is -1, expected 0 (the likeliest token) or a finite number above; top-p is 0, expected above 0 and at most 1 (all tokens).",
            error.Message);
    }

    private static GeneratedSequence Single(LlamaModel model, IReadOnlyList<int> prompt, GenerationOptions options, Action<int>? onToken = null) =>
        TokenGenerator.Generate(model, prompt, options, onToken, TestContext.Current.CancellationToken);

    private static IReadOnlyList<GeneratedSequence> Batch(LlamaModel model, IReadOnlyList<IReadOnlyList<int>> prompts, GenerationOptions options) =>
        TokenGenerator.GenerateBatch(model, prompts, options, TestContext.Current.CancellationToken);
}
