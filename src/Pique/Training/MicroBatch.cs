using Pique.Configuration;
using Pique.Data;
using Pique.Objectives;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>Some rows of a batch, with loss weights by which the gradients of all parts add up to those of the whole batch.</summary>
/// <remarks>
/// Each loss is a mean over something: unmasked tokens, steps, pairs of steps, tokens of answers. A part's mean counts for as much as the part
/// has of it: L = Σ (n_part / n_batch)·L_part. The signed EWGS estimator alone is not linear in the gradient; it sees that of each part.
/// </remarks>
/// <param name="Batch">The rows. Its count of tokens includes padding, which a part cannot tell.</param>
/// <param name="LossWeights">λs times the part's share of the tokens; that of reasoning as it is.</param>
/// <param name="ReasoningLoss">μs times the part's share of what each is a mean over.</param>
/// <param name="TokenShare">The part's share of the unmasked tokens.</param>
internal sealed record MicroBatch(TokenBatch Batch, QatLossWeights LossWeights, ReasoningLossOptions ReasoningLoss, double TokenShare) : IDisposable
{
    /// <summary>Divides a batch by rows into parts of as equal a number as can be.</summary>
    /// <param name="batch">The batch; its tensors stay its own.</param>
    /// <param name="parts">Number of parts; a batch of fewer rows has one part a row.</param>
    /// <param name="options">Weights of the losses.</param>
    public static IEnumerable<MicroBatch> Divide(TokenBatch batch, int parts, TrainerOptions options)
    {
        long rows = batch.Inputs.shape[0];
        long count = Math.Min(parts, rows);
        Counts whole = Counts.Of(batch);
        for (long part = 0; part < count; part++)
        {
            TokenBatch piece = Rows(batch, (int)(part * rows / count), (int)((part + 1) * rows / count));
            Counts own = Counts.Of(piece);
            float tokenShare = own.Tokens / Math.Max(1, whole.Tokens);
            yield return new(
                piece,
                options.LossWeights with { LambdaTask = options.LossWeights.LambdaTask * tokenShare, LambdaKd = options.LossWeights.LambdaKd * tokenShare },
                options.ReasoningLoss with
                {
                    MuStep = options.ReasoningLoss.MuStep * Share(own.Steps, whole.Steps),
                    MuTrajectory = options.ReasoningLoss.MuTrajectory * Share(own.Pairs, whole.Pairs),
                    MuAnswer = options.ReasoningLoss.MuAnswer * Share(own.AnswerTokens, whole.AnswerTokens),
                    MuStepTokens = options.ReasoningLoss.MuStepTokens * Share(own.PlainSteps, whole.PlainSteps),
                },
                tokenShare);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Batch.Dispose();

    private static float Share(int own, int whole) => whole == 0 ? 0 : (float)own / whole;

    /// <summary>Some rows of a batch, as views of its tensors.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="first">First row.</param>
    /// <param name="end">Row after the last.</param>
    public static TokenBatch Rows(TokenBatch batch, int first, int end) => new(
        batch.Inputs.narrow(0, first, end - first),
        batch.Targets.narrow(0, first, end - first),
        batch.LossMask.narrow(0, first, end - first),
        [.. batch.Spans.Where(span => span.Row >= first && span.Row < end).Select(span => span with { Row = span.Row - first })],
        (int)(batch.Inputs.shape[1] * (end - first)))
    {
        DatasetRows = [.. batch.DatasetRows.Skip(first).Take(end - first)],
        Records = [.. batch.Records.Where(record => record.Row >= first && record.Row < end).Select(record => record with { Row = record.Row - first })],
    };

    /// <summary>What the losses are means over; docs/math.md §4.</summary>
    private readonly record struct Counts(float Tokens, int Steps, int Pairs, int AnswerTokens, int PlainSteps)
    {
        public static Counts Of(TokenBatch batch)
        {
            using DisposeScope scope = NewDisposeScope();
            IReadOnlyList<BatchSpan> spans = batch.Spans;
            int pairs = spans.Skip(1).Zip(spans).Count(pair => pair.First.Record == pair.Second.Record && pair.First.Row == pair.Second.Row);
            BatchSpan[] answers = [.. spans.Where(span => span.Span.Kind == ReasoningSpanKind.Answer)];
            // A token at the very start of a row has nothing that predicts it.
            int answerTokens = answers.Sum(span => span.Span.Start == 0 ? span.Span.Length - 1 : span.Span.Length);
            return new(batch.LossMask.sum().item<float>(), spans.Count, pairs, answerTokens, spans.Count - answers.Length);
        }
    }
}
