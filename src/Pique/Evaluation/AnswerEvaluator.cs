using Pique.Data;
using Pique.Formats;
using Pique.Models;
using Pique.Models.Generation;

namespace Pique.Evaluation;

/// <summary>Poses held-out problems and requests to a model, decodes greedily and counts the right answers.</summary>
/// <remarks>An answer ends with the end token. A model whose tokenizer has none is stopped by the limit of tokens alone, so what it writes after the answer counts against it.</remarks>
public static class AnswerEvaluator
{
    /// <summary>Prompts decoded together.</summary>
    private const int BatchRows = 64;

    /// <summary>Tokens a model may write beyond the longest reference before it is stopped: a longer text is no right answer any more.</summary>
    private const int SpareTokens = 16;

    /// <summary>Exact match of the answer to each reasoning problem.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="records">Records; others than problems are passed over.</param>
    /// <param name="cancellationToken">Ends the measurement.</param>
    /// <returns>The accuracy, or null where no record is a problem.</returns>
    /// <exception cref="InputException">A prompt does not fit the model's context or vocabulary.</exception>
    /// <exception cref="OperationCanceledException">The measurement was cancelled.</exception>
    public static AnswerAccuracy? Reasoning(CausalLanguageModel model, ITextTokenizer tokenizer, IEnumerable<SourcedRecord> records, CancellationToken cancellationToken = default) =>
        Measure<DataRecord.Reasoning>(model, tokenizer, records, AnswerScoring.IsCorrect, cancellationToken);

    /// <summary>Share of requests answered by a call that parses and has the right name and arguments.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="records">Records; others than tool calls are passed over.</param>
    /// <param name="cancellationToken">Ends the measurement.</param>
    /// <returns>The accuracy, or null where no record is a tool call.</returns>
    /// <exception cref="InputException">A prompt does not fit the model's context or vocabulary, or an expected call is no JSON.</exception>
    /// <exception cref="OperationCanceledException">The measurement was cancelled.</exception>
    public static AnswerAccuracy? ToolCalls(CausalLanguageModel model, ITextTokenizer tokenizer, IEnumerable<SourcedRecord> records, CancellationToken cancellationToken = default) =>
        Measure<DataRecord.ToolCall>(model, tokenizer, records, AnswerScoring.IsCorrect, cancellationToken);

    private static AnswerAccuracy? Measure<T>(
        CausalLanguageModel model,
        ITextTokenizer tokenizer,
        IEnumerable<SourcedRecord> records,
        Func<string, T, bool> isCorrect,
        CancellationToken cancellationToken)
        where T : DataRecord
    {
        var recordTokenizer = new RecordTokenizer(tokenizer, model.ContextTokens);
        var problems = records
            .Where(record => record.Record is T)
            .Select(record => (Record: (T)record.Record, Prompt: recordTokenizer.EncodePrompt(record), ResponseTokens: tokenizer.Encode(RecordTemplate.Response(record.Record), continuation: true).Count))
            .OrderBy(problem => problem.Prompt.Count) // Prompts of like length are padded least.
            .ToList();
        if (problems.Count == 0)
        {
            return null;
        }

        // One limit for all, so that no answer depends on which others share its batch.
        var options = new GenerationOptions
        {
            MaxTokens = problems.Max(problem => problem.ResponseTokens) + SpareTokens,
            StopIds = tokenizer.EndOfTextId is { } end ? [end] : [],
        };
        int correct = 0;
        foreach (var batch in problems.Chunk(BatchRows))
        {
            IReadOnlyList<GeneratedSequence> answers = TokenGenerator.GenerateBatch(
                model, [.. batch.Select(problem => problem.Prompt)], options, cancellationToken);
            correct += batch.Zip(answers, (problem, answer) => isCorrect(tokenizer.Decode(answer.TokenIds, continuation: true), problem.Record) ? 1 : 0).Sum();
        }

        return new AnswerAccuracy(correct, problems.Count);
    }
}
