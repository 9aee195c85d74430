using CsCheck;
using Pique.Configuration;
using Pique.Data;
using Pique.Models;
using Pique.Numerics;
using Pique.Objectives;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Tests.Objectives;

/// <summary>A random head, hidden states, teacher, masks and spans.</summary>
internal sealed record ObjectiveCase(int Rows, int Context, int Hidden, int Vocabulary, int TopK, float Temperature, QatLossWeights Weights, float MaskedShare, bool Reasons, int Seed)
{
    public static Gen<ObjectiveCase> Any { get; } =
        from rows in Gen.Int[1, 3]
        from context in Gen.Int[4, 24]
        from hidden in Gen.Int[1, 20]
        from vocabulary in Gen.OneOf(Gen.Int[2, 60], Gen.Int[200, 700])
        from topK in Gen.Int[1, 30]
        from temperature in Gen.OneOf(1f, 2f, 3.5f, 0.7f)
        from weights in Gen.Select(Gen.OneOf(1f, 0.5f, 0f), Gen.OneOf(0f, 0.5f, 1f), Gen.OneOf(0f, 0.3f))
        from masked in Gen.OneOf(0f, 0.4f, 0.9f, 1f)
        from reasons in Gen.Bool
        from seed in Gen.Int[0, 1 << 20]
        select new ObjectiveCase(
            rows,
            context,
            hidden,
            vocabulary,
            Math.Min(topK, vocabulary - 1),
            temperature,
            new() { LambdaTask = weights.Item1, LambdaKd = weights.Item2, LambdaReasoning = weights.Item3, KdTemperature = temperature },
            masked,
            reasons,
            seed);

    /// <summary>Losses, gradients and how many positions were asked of the teacher at a time.</summary>
    public Outcome Compute(bool fused, bool keepsLikeliest = false, int? chunkRows = null, ScalarType computeType = ScalarType.Float32, float upstream = 1)
    {
        using DisposeScope scope = NewDisposeScope();
        using Generator generator = new((ulong)Seed);
        using TokenBatch batch = Batch(generator);
        ReasoningPlan? plan = Reasons && Weights.LambdaReasoning > 0 ? ReasoningPlan.Create(batch.Spans, Context, new()) : null;
        PositionSelection positions = PositionSelection.Create(batch, plan);
        Parameter hidden = new(randn([Rows * Context, Hidden], generator: generator)), weight = new(randn([Vocabulary, Hidden], generator: generator));
        Tensor input = positions.Select(hidden);
        Tensor teacherLogits = input.detach().mm(weight.detach().t()).add(randn([input.shape[0], Vocabulary], generator: generator), 0.5.ToScalar());
        using GivenRows teacher = new(teacherLogits, keepsLikeliest ? TopK : null);
        LogitLossWeights weights = LogitLossWeights.Of(Weights, hasTeacher: true, plan is not null);
        LogitTerms terms = fused
            ? FusedObjective.Compute(new LogitFactors(input, weight), teacher, positions, weights, chunkRows, computeType)
            : PlainObjective.Compute(input.mm(weight.t()), teacher, positions, weights);
        terms.Total.mul(upstream.ToScalar()).backward();
        return new(terms.Total.item<float>(), terms.Task, terms.Distillation, terms.TokenDivergence, Values(hidden), Values(weight), teacher.Counts);

        static float[] Values(Parameter parameter) => parameter.grad is { } gradient ? gradient.data<float>().ToArray() : new float[parameter.numel()];
    }

    private TokenBatch Batch(Generator generator)
    {
        BatchSpan[] spans = !Reasons ? [] :
        [
            new(0, 0, new(0, 2, ReasoningSpanKind.Step)),
            new(0, 0, new(2, 1, ReasoningSpanKind.Answer)),
            new(Rows - 1, 1, new(Context - 3, 3, ReasoningSpanKind.Calculation)),
        ];
        return new(
            zeros([Rows, Context], ScalarType.Int64),
            randint(0, Vocabulary, [Rows, Context], ScalarType.Int64, generator: generator),
            rand([Rows, Context], generator: generator).ge(MaskedShare.ToScalar()).to(ScalarType.Float32),
            spans,
            Rows * Context);
    }

    /// <summary>What one way gives.</summary>
    internal sealed record Outcome(double Total, double Task, double Distillation, double Divergence, float[] HiddenGradient, float[] WeightGradient, IReadOnlyList<int> Counts)
    {
        /// <summary>Asserts that another way gives the same.</summary>
        /// <param name="other">The other.</param>
        /// <param name="tolerance">Largest difference of a loss, beside 1 or itself, and of a gradient beside the largest of its tensor.</param>
        public void AssertClose(Outcome other, double tolerance)
        {
            foreach ((double expected, double found) in ((double, double)[])[(Total, other.Total), (Task, other.Task), (Distillation, other.Distillation), (Divergence, other.Divergence)])
                Assert.True(Math.Abs(expected - found) <= tolerance * Math.Max(1, Math.Abs(expected)), $"loss {expected:R}, found {found:R}");
            Compare(HiddenGradient, other.HiddenGradient);
            Compare(WeightGradient, other.WeightGradient);

            void Compare(float[] expected, float[] found)
            {
                double limit = tolerance * Math.Max(1, expected.Max(Math.Abs));
                Assert.Equal(expected.Length, found.Length);
                Assert.All(expected.Zip(found), pair => Assert.True(Math.Abs(pair.First - pair.Second) <= limit, $"gradient {pair.First}, found {pair.Second}"));
            }
        }
    }
}

/// <summary>A teacher's distributions as given, whole or the likeliest of them; notes how many positions it was asked for at a time.</summary>
internal sealed class GivenRows(Tensor logits, int? topK) : TeacherRows
{
    public List<int> Counts { get; } = [];

    public override TeacherLogits Read(int first, int count)
    {
        Counts.Add(count);
        Tensor log = nn.functional.log_softmax(logits.narrow(0, first, count), 1);
        if (topK is not { } kept)
            return new TeacherLogits.All(logits.narrow(0, first, count).clone());
        (Tensor values, Tensor ids) = log.topk(kept);
        Tensor others = log.scatter(1, ids, full_like(log, float.NegativeInfinity.ToScalar())).logsumexp(1, keepdim: true);
        Tensor all = cat([values, others], 1).contiguous();
        return new TeacherLogits.Likeliest(ids.to(ScalarType.Int32).contiguous(), all, empty_like(all));
    }

    protected override void Dispose(bool disposing)
    {
    }
}
