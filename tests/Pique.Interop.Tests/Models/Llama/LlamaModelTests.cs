using Pique.Data;
using Pique.Evaluation;
using Pique.Interop.Tests.Fixture;
using Pique.Models.Generation;
using Pique.Models.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Interop.Tests.Models.Llama;

/// <summary>Both compute in float32, so they differ by the order of sums alone.</summary>
public sealed class LlamaModelTests : IDisposable
{
    private const double Tolerance = 1e-4;

    private static readonly int[] Row = [1, 3, 20, 7, 39, 3, 11, 4, 4, 30, 5, 0, 17, 25, 3, 9];
    private static readonly int[] OtherRow = [1, 30, 31, 32, 33];

    private readonly TemporaryFolder _folder;
    private readonly LlamaModel _ours;
    private readonly LlamaCppModel _theirs;

    public LlamaModelTests(LlamaCpp llamaCpp)
    {
        llamaCpp.SkipIfMissing();
        _folder = new TemporaryFolder();
        _ours = HandWrittenGguf.CreateModel();
        HandWrittenGguf.Write(_folder.File("drawn.gguf"), _ours);
        _theirs = llamaCpp.Load(_folder.File("drawn.gguf"), _ours.ContextTokens);
    }

    [Fact]
    public void Log_probabilities_are_those_of_llama_cpp()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradients = no_grad();
        float[][] found = [.. nn.functional.log_softmax(_ours.forward(Ids([Row])), dim: 2).data<float>().ToArray().Chunk(_ours.VocabularySize)];

        double[][] expected = _theirs.LogProbabilities(Row);

        Assert.Equal((0, 0), _theirs.CacheTypes); // float32
        for (int position = 0; position < Row.Length; position++)
        {
            Assert.Equal(1, expected[position].Sum(Math.Exp), tolerance: 1e-12);
            for (int id = 0; id < _ours.VocabularySize; id++)
                Assert.Equal(expected[position][id], found[position][id], Tolerance);
        }
    }

    [Fact]
    public void Every_row_starts_afresh()
    {
        float[][] first = _theirs.Logits(Row);
        _theirs.Logits(OtherRow);

        Assert.Equal(first, _theirs.Logits(Row));
        Assert.Equal(first[4], _theirs.Logits(Row[..5])[4], (one, other) => Math.Abs(one - other) < Tolerance);
    }

    [Fact]
    public void The_loss_of_text_is_that_of_llama_cpp()
    {
        LanguageModelQuality quality = LanguageModelEvaluator.Evaluate(_ours, Batches(), textBytes: 1, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Equal(quality.LossNats, _theirs.NegativeLogLikelihood(Batches()), Tolerance);
        Assert.Equal(quality.LossNats, _theirs.NegativeLogLikelihood([Row, OtherRow], [Mask(Row.Length, 4), Mask(OtherRow.Length, 1)]), Tolerance);
        Assert.Equal(
            ((_theirs.NegativeLogLikelihood([Row]) * 15) + (_theirs.NegativeLogLikelihood([OtherRow]) * 4)) / 19,
            _theirs.NegativeLogLikelihood([Row, OtherRow]),
            tolerance: 1e-12);
    }

    [Theory]
    [InlineData(30, FinishReason.MaxTokens)]
    [InlineData(100, FinishReason.ContextFull)]
    public void Greedy_continuations_are_those_of_llama_cpp(int maxTokens, FinishReason reason)
    {
        GeneratedSequence ours = TokenGenerator.Generate(_ours, OtherRow, new GenerationOptions { MaxTokens = maxTokens }, cancellationToken: TestContext.Current.CancellationToken);
        GeneratedSequence theirs = _theirs.Greedy(OtherRow, maxTokens);

        Assert.Equal(theirs.TokenIds, ours.TokenIds);
        Assert.Equal((reason, reason), (theirs.FinishReason, ours.FinishReason));
    }

    [Fact]
    public void A_stop_token_ends_a_greedy_continuation_and_is_no_part_of_it()
    {
        IReadOnlyList<int> whole = _theirs.Greedy(OtherRow, 30).TokenIds;
        int stop = whole[7];

        GeneratedSequence stopped = _theirs.Greedy(OtherRow, 30, stop);

        Assert.Equal(whole.TakeWhile(id => id != stop), stopped.TokenIds);
        Assert.Equal(FinishReason.StopToken, stopped.FinishReason);
    }

    [Fact]
    public void The_vocabulary_of_the_file_is_the_one_it_was_written_with()
    {
        Assert.Equal(40, _theirs.VocabularySize);
        Assert.Equal([4, 12, 9, 4, 32], _theirs.Tokenize("he 1"));
        Assert.Equal(["he 1"], _theirs.Detokenize([[1, 4, 12, 9, 4, 32, 2]]).Select(text => text.TrimStart()));
    }

    public void Dispose()
    {
        _theirs.Dispose();
        _ours.Dispose();
        _folder.Dispose();
    }

    private static bool[] Mask(int length, int firstCounted) => [.. Enumerable.Range(0, length).Select(index => index >= firstCounted)];

    /// <summary>Both rows, the shorter one padded; of the longer one the first three targets do not count.</summary>
    private static IEnumerable<TokenBatch> Batches()
    {
        int[] padded = [.. OtherRow, .. Enumerable.Repeat(0, Row.Length - OtherRow.Length)];
        bool[] mask = [.. Mask(Row.Length, 4).Skip(1), .. Enumerable.Repeat(true, OtherRow.Length - 1), .. Enumerable.Repeat(false, Row.Length - OtherRow.Length)];
        yield return new TokenBatch(
            Ids([Row[..^1], padded[..^1]]),
            Ids([Row[1..], padded[1..]]),
            tensor(mask.Select(counts => counts ? 1f : 0f).ToArray()).view(2, -1),
            [],
            Row.Length + OtherRow.Length - 2);
    }

    private static Tensor Ids(int[][] rows) => tensor(rows.SelectMany(row => row).Select(id => (long)id).ToArray()).view(rows.Length, -1);
}
