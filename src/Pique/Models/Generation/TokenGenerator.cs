using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Models.Generation;

/// <summary>Continues prompts token by token with a key/value cache.</summary>
public static class TokenGenerator
{
    /// <summary>Continues one prompt and tells each token as soon as it is known.</summary>
    /// <param name="model">Model to ask.</param>
    /// <param name="prompt">Token ids, at least one.</param>
    /// <param name="options">How to choose and when to stop.</param>
    /// <param name="onToken">Called with every token of the sequence; null for none.</param>
    /// <param name="cancellationToken">Ends the generation between two tokens.</param>
    /// <returns>The sequence after the prompt; equal to that of a batch of one.</returns>
    /// <exception cref="InputException">An option is invalid, or the prompt is empty, fills the context or has an id outside the vocabulary.</exception>
    /// <exception cref="OperationCanceledException">The generation was cancelled.</exception>
    public static GeneratedSequence Generate(
        CausalLanguageModel model,
        IReadOnlyList<int> prompt,
        GenerationOptions options,
        Action<int>? onToken = null,
        CancellationToken cancellationToken = default) =>
        Run(model, [prompt], options, onToken, cancellationToken)[0];

    /// <summary>Continues many prompts at once, shorter ones padded on the left.</summary>
    /// <param name="model">Model to ask.</param>
    /// <param name="prompts">Token ids of each prompt, at least one each; lengths may differ.</param>
    /// <param name="options">How to choose and when to stop.</param>
    /// <param name="cancellationToken">Ends the generation between two tokens.</param>
    /// <returns>One sequence a prompt, in the order of the prompts.</returns>
    /// <exception cref="InputException">An option is invalid, or a prompt is empty, fills the context or has an id outside the vocabulary.</exception>
    /// <exception cref="OperationCanceledException">The generation was cancelled.</exception>
    public static IReadOnlyList<GeneratedSequence> GenerateBatch(
        CausalLanguageModel model,
        IReadOnlyList<IReadOnlyList<int>> prompts,
        GenerationOptions options,
        CancellationToken cancellationToken = default) =>
        Run(model, prompts, options, onToken: null, cancellationToken);

    private static GeneratedSequence[] Run(
        CausalLanguageModel model, IReadOnlyList<IReadOnlyList<int>> prompts, GenerationOptions options, Action<int>? onToken, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(options);
        options.ThrowIfInvalid();
        for (int index = 0; index < prompts.Count; index++)
            ThrowIfUnusable(prompts[index], index, model);
        if (prompts.Count == 0)
            return [];

        GenerationRow[] rows = [.. prompts.Select((prompt, index) => new GenerationRow(prompt.Count, index, options, model.ContextTokens))];
        int width = prompts.Max(prompt => prompt.Count);
        using IDisposable noGradients = no_grad();
        using KeyValueCache cache = new([.. prompts.Select(prompt => width - prompt.Count)]);
        long[] input = [.. prompts.SelectMany(prompt => Enumerable.Repeat(0L, width - prompt.Count).Concat(prompt.Select(id => (long)id)))];
        List<GenerationRow> live = [.. rows];
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            float[] logits = NextLogits(model, input, live.Count, cache);
            for (int index = 0; index < live.Count; index++)
            {
                if (live[index].Accept(logits.AsSpan(index * model.VocabularySize, model.VocabularySize)))
                    onToken?.Invoke(live[index].LastToken);
            }

            int[] unfinished = [.. Enumerable.Range(0, live.Count).Where(index => live[index].FinishReason is null)];
            if (unfinished.Length == 0)
                return [.. rows.Select(row => row.Sequence)];
            if (unfinished.Length < live.Count)
            {
                cache.KeepRows(unfinished);
                live = [.. unfinished.Select(index => live[index])];
            }

            input = [.. live.Select(row => (long)row.LastToken)];
        }
    }

    /// <summary>Logits after each row's last token, rows one after another.</summary>
    private static float[] NextLogits(CausalLanguageModel model, long[] input, int rowCount, KeyValueCache cache)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor hidden = model.HiddenStates(tensor(input, [rowCount, input.Length / rowCount]), cache);
        return model.Logits(hidden.select(1, -1)).cpu().data<float>().ToArray();
    }

    private static void ThrowIfUnusable(IReadOnlyList<int> prompt, int index, CausalLanguageModel model)
    {
        if (prompt.Count == 0)
            throw new InputException($"Prompt {index}: it has no tokens, expected at least one. Give some text, or let the tokenizer add its beginning-of-sequence token.");
        if (prompt.Count >= model.ContextTokens)
            throw new InputException($"Prompt {index}: its {prompt.Count} tokens leave no room in the model's context of {model.ContextTokens}. Shorten it to at most {model.ContextTokens - 1} tokens.");
        foreach (int id in prompt)
        {
            if (id < 0 || id >= model.VocabularySize)
                throw new InputException($"Prompt {index}: token id {id} is outside the model's vocabulary of {model.VocabularySize}. Use the tokenizer that belongs to the model.");
        }
    }
}
