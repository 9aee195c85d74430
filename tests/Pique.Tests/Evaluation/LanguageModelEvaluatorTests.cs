using Pique.Data;
using Pique.Evaluation;
using Pique.Models.Llama;
using Pique.Tests.Models.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Evaluation;

public sealed class LanguageModelEvaluatorTests : IDisposable
{
    private const int Rows = 12;
    private const int Context = 12;
    private const int TextBytes = 321;

    private readonly LlamaModel _student = TinyLlama.Create(seed: 7);
    private readonly LlamaModel _teacher = TinyLlama.Create(seed: 8);
    private readonly long[][] _tokens;
    private readonly float[][] _mask;

    public LanguageModelEvaluatorTests()
    {
        Random random = new(3);
        _tokens = [.. Enumerable.Range(0, Rows).Select(_ => Enumerable.Range(0, Context + 1).Select(_ => (long)random.Next(40)).ToArray())];
        _mask = [.. Enumerable.Range(0, Rows).Select(row => Enumerable.Range(0, Context).Select(_ => row != 5 && random.Next(8) > 0 ? 1f : 0f).ToArray())];
    }

    public void Dispose()
    {
        _student.Dispose();
        _teacher.Dispose();
    }

    [Fact]
    public void Equals_the_formulas_in_scalar_arithmetic()
    {
        List<double> losses = [], divergences = [], deltas = [];
        int agreements = 0;
        LlamaReference student = new(_student), teacher = new(_teacher);
        for (int row = 0; row < Rows; row++)
        {
            double[][] own = student.Logits(_tokens[row][..Context]), other = teacher.Logits(_tokens[row][..Context]);
            for (int place = 0; place < Context; place++)
            {
                if (_mask[row][place] == 0)
                    continue;
                double[] p = Softmax(own[place]), q = Softmax(other[place]);
                long target = _tokens[row][place + 1];
                losses.Add(-Math.Log(p[target]));
                divergences.Add(q.Zip(p, (expected, found) => expected * Math.Log(expected / found)).Sum());
                deltas.Add(p[target] - q[target]);
                agreements += Array.IndexOf(p, p.Max()) == Array.IndexOf(q, q.Max()) ? 1 : 0;
            }
        }

        LanguageModelQuality quality = Evaluate(Batches(Rows), _teacher);

        Assert.InRange(losses.Count, 101, 199); // So that the 99th percentile is the second-largest value.
        Assert.Equal(losses.Count, quality.Tokens);
        Assert.Equal(TextBytes, quality.TextBytes);
        AssertClose(losses.Average(), quality.LossNats);
        AssertClose(Math.Exp(losses.Average()), quality.Perplexity);
        AssertClose(losses.Sum() / Math.Log(2) / TextBytes, quality.BitsPerByte);
        AssertClose(divergences.Average(), quality.Teacher!.KlDivergence);
        AssertClose(divergences.Order().ElementAt(losses.Count - 2), quality.Teacher.KlDivergence99);
        AssertClose(Math.Sqrt(deltas.Average(delta => delta * delta)), quality.Teacher.RmsDeltaProbability);
        Assert.Equal((double)agreements / losses.Count, quality.Teacher.Top1Agreement);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void The_size_of_the_batches_does_not_matter(int rowsPerBatch)
    {
        LanguageModelQuality whole = Evaluate(Batches(Rows), _teacher);
        LanguageModelQuality parts = Evaluate(Batches(rowsPerBatch), _teacher);

        Assert.Equal(whole.Tokens, parts.Tokens);
        AssertClose(whole.LossNats, parts.LossNats);
        AssertClose(whole.Teacher!.KlDivergence, parts.Teacher!.KlDivergence);
        AssertClose(whole.Teacher.KlDivergence99, parts.Teacher.KlDivergence99);
        AssertClose(whole.Teacher.RmsDeltaProbability, parts.Teacher.RmsDeltaProbability);
        Assert.Equal(whole.Teacher.Top1Agreement, parts.Teacher.Top1Agreement);
    }

    [Fact]
    public void Targets_that_are_masked_do_not_count()
    {
        LanguageModelQuality before = Evaluate(Batches(Rows));
        TokenBatch[] changed = [.. Batches(Rows)];
        using (DisposeScope scope = NewDisposeScope())
            changed[0].Targets.masked_fill_(changed[0].LossMask.eq(0), 39);

        LanguageModelQuality after = Evaluate(changed);

        Assert.Equal(before, after);
        Assert.Null(after.Teacher);
    }

    [Fact]
    public void A_model_agrees_with_itself_exactly()
    {
        LanguageModelQuality quality = Evaluate(Batches(Rows), _student);

        Assert.Equal(new TeacherAgreement(0, 0, 1, 0), quality.Teacher);
    }

    [Fact]
    public void Vocabularies_that_differ_are_refused()
    {
        using LlamaModel other = TinyLlama.Create(TinyLlama.Config() with { VocabularySize = 41 });

        InputException failure = Assert.Throws<InputException>(() => Evaluate(Batches(Rows), other));

        Assert.Equal("The teacher knows 41 tokens and the model 40; their distributions cannot be compared. Give a teacher with the same vocabulary.", failure.Message);
    }

    [Fact]
    public void Data_without_a_token_that_counts_is_refused()
    {
        InputException failure = Assert.Throws<InputException>(() => Evaluate(Batches(Rows).Skip(5).Take(0)));

        Assert.Equal("Nothing to evaluate: no token of the data counts in the loss. Give data with at least one text or answer.", failure.Message);
        Assert.Equal(failure.Message, Assert.Throws<InputException>(() => Evaluate(Batches(1).Skip(5).Take(1))).Message);
    }

    [Fact]
    public void Text_without_bytes_is_refused() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Evaluate(Batches(Rows), textBytes: 0));

    [Fact]
    public void Batches_are_disposed_and_no_tensor_is_left_behind()
    {
        Evaluate(Batches(Rows), _teacher);
        long live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        Evaluate(Batches(5), _teacher);

        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void A_model_can_be_trained_after_it_was_measured()
    {
        Evaluate(Batches(Rows));

        using Tensor tokens = TinyLlama.Tokens(1, 4);
        using Tensor total = _student.forward(tokens).sum();
        total.backward();

        Assert.All(_student.parameters(), parameter => Assert.NotNull(parameter.grad));
    }

    [Fact]
    public void A_cancelled_measurement_ends_and_disposes_of_its_batch()
    {
        TokenBatch[] batches = [.. Batches(Rows)];

        Assert.Throws<OperationCanceledException>(() => LanguageModelEvaluator.Evaluate(_student, batches, TextBytes, cancellationToken: new CancellationToken(canceled: true)));
        Assert.True(batches[0].Inputs.IsInvalid);
    }

    private LanguageModelQuality Evaluate(IEnumerable<TokenBatch> batches, LlamaModel? teacher = null, long textBytes = TextBytes) =>
        LanguageModelEvaluator.Evaluate(_student, batches, textBytes, teacher, TestContext.Current.CancellationToken);

    private static void AssertClose(double expected, double actual) => Assert.InRange(actual, expected - (1e-5 * Math.Abs(expected)), expected + (1e-5 * Math.Abs(expected)));

    private static double[] Softmax(double[] logits)
    {
        double[] weights = [.. logits.Select(Math.Exp)];
        double sum = weights.Sum();
        return [.. weights.Select(weight => weight / sum)];
    }

    private IEnumerable<TokenBatch> Batches(int rowsPerBatch) => Enumerable.Range(0, Rows).Chunk(rowsPerBatch).Select(rows => new TokenBatch(
        tensor([.. rows.SelectMany(row => _tokens[row][..Context])], [rows.Length, Context]),
        tensor([.. rows.SelectMany(row => _tokens[row][1..])], [rows.Length, Context]),
        tensor([.. rows.SelectMany(row => _mask[row])], [rows.Length, Context]),
        [],
        rows.Length * Context));
}
