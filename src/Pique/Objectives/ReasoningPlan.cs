using Pique.Data;

namespace Pique.Objectives;

/// <summary>Where the reasoning loss looks in a batch: positions and weights read off its spans. Positions are flat, row·context + index.</summary>
/// <remarks>The hidden state of a step is that of its last token. A token at index i is predicted by the logits at i − 1; a span that opens its row has no prediction of its first token, which is left out.</remarks>
internal sealed class ReasoningPlan
{
    private ReasoningPlan(List<long> stepEnds, List<float> stepWeights, List<long> pairStarts, List<long> pairEnds, SortedDictionary<long, float> tokens)
    {
        StepEnds = stepEnds;
        StepWeights = stepWeights;
        PairStarts = pairStarts;
        PairEnds = pairEnds;
        TokenWeights = tokens;
    }

    /// <summary>Flat position of the last token of each step and answer.</summary>
    public IReadOnlyList<long> StepEnds { get; }

    /// <summary>w_step of each, in the same order.</summary>
    public IReadOnlyList<float> StepWeights { get; }

    /// <summary>Consecutive steps of one record: index into <see cref="StepEnds"/> of the earlier one.</summary>
    public IReadOnlyList<long> PairStarts { get; }

    /// <summary>The later one of each pair.</summary>
    public IReadOnlyList<long> PairEnds { get; }

    /// <summary>Flat position whose logits predict a step's or an answer's token → weight of its divergence, means already divided out.</summary>
    public SortedDictionary<long, float> TokenWeights { get; }

    /// <summary>Whether the batch carries any chain of thought.</summary>
    public bool IsEmpty => StepEnds.Count == 0;

    /// <summary>Reads a batch's spans.</summary>
    /// <param name="spans">Spans; those of one record follow one another.</param>
    /// <param name="contextTokens">Width of a row.</param>
    /// <param name="options">Weights.</param>
    public static ReasoningPlan Create(IReadOnlyList<BatchSpan> spans, long contextTokens, ReasoningLossOptions options)
    {
        List<long> ends = [], pairStarts = [], pairEnds = [];
        List<float> weights = [];
        for (int i = 0; i < spans.Count; i++)
        {
            BatchSpan span = spans[i];
            ends.Add((span.Row * contextTokens) + span.Span.Last);
            weights.Add(options.WeightOf(span.Span.Kind));
            if (i > 0 && spans[i - 1].Record == span.Record && spans[i - 1].Row == span.Row)
            {
                pairStarts.Add(i - 1);
                pairEnds.Add(i);
            }
        }

        return new(ends, weights, pairStarts, pairEnds, WeighTokens(spans, contextTokens, options));
    }

    private static SortedDictionary<long, float> WeighTokens(IReadOnlyList<BatchSpan> spans, long contextTokens, ReasoningLossOptions options)
    {
        // The answer's divergence is a mean over tokens; the steps' is summed over a step's tokens, then averaged over steps.
        static bool IsAnswer(BatchSpan span) => span.Span.Kind == ReasoningSpanKind.Answer;
        static int Predicted(BatchSpan span) => span.Span.Start == 0 ? span.Span.Length - 1 : span.Span.Length;
        int answerTokens = spans.Where(IsAnswer).Sum(Predicted);
        int steps = spans.Count(span => !IsAnswer(span));
        SortedDictionary<long, float> tokens = [];
        foreach (BatchSpan span in spans)
        {
            float weight = IsAnswer(span) ? options.MuAnswer / System.Math.Max(1, answerTokens) : options.MuStepTokens / steps;
            for (int index = System.Math.Max(1, span.Span.Start); index <= span.Span.Last; index++)
            {
                long position = (span.Row * contextTokens) + index - 1;
                tokens[position] = tokens.GetValueOrDefault(position) + weight;
            }
        }

        return tokens;
    }
}
