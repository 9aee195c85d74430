using Pique.Data;
using Pique.Evaluation;
using Pique.Models;
using Pique.Models.Llama;
using Pique.Tests.Data;
using TorchSharp;

namespace Pique.Tests.Evaluation;

public class AnswerEvaluatorTests
{
    private const string Weather = """{"name":"weather","arguments":{"city":"Oslo"}}""";

    private static readonly ByteTokenizer Tokenizer = new();

    private static readonly SourcedRecord[] Records = [.. SourcedRecord.FromSequence(
    [
        new DataRecord.Text("A text is no problem."),
        new DataRecord.Reasoning("One and one?", ["1 + 1 = 2"], "2"),
        new DataRecord.Reasoning("Six times seven, written at greater length?", ["6 × 7 = 42"], "42"),
        new DataRecord.Reasoning("Two and two?", ["2 + 2 = 4"], "4"),
        new DataRecord.Reasoning("Never seen", ["?"], "0"),
        new DataRecord.ToolCall("Oslo?", Weather),
        new DataRecord.ToolCall("Bergen?", Weather.Replace("Oslo", "Bergen", StringComparison.Ordinal)),
    ], "test")];

    [Fact]
    public void Counts_the_problems_solved_in_batches_of_unlike_prompts()
    {
        using ScriptedModel model = new(new Dictionary<string, string>
        {
            ["One and one?"] = "#### 2",
            ["Six times seven, written at greater length?"] = "6 × 7 = 42\n#### 42",
            ["Two and two?"] = "2 + 2 = 5\n#### 5",
        });

        Assert.Equal(new AnswerAccuracy(2, 4), Solve(model, Records));
        Assert.Equal([4], model.BatchRows);
    }

    [Fact]
    public void Counts_the_calls_that_are_right()
    {
        using ScriptedModel model = new(new Dictionary<string, string>
        {
            ["Oslo?"] = """{"arguments": {"city": "Oslo"}, "name": "weather"}""",
            ["Bergen?"] = Weather,
        });

        Assert.Equal(new AnswerAccuracy(1, 2), Call(model, Records));
    }

    [Fact]
    public void A_kind_of_record_that_is_missing_has_no_accuracy()
    {
        using ScriptedModel model = new(new Dictionary<string, string>());

        Assert.Null(Solve(model, Records.Where(record => record.Record is not DataRecord.Reasoning)));
        Assert.Null(Call(model, []));
    }

    [Fact]
    public void An_answer_does_not_depend_on_the_batch_it_shares()
    {
        // 100 problems make more than one batch. The first writes 25 tokens more than its own reference: more than it alone would be given.
        string detour = new string('.', 25);
        DataRecord.Reasoning Problem(int number) => new($"Problem {number:D3}", [new string('x', number)], $"{number}");
        SourcedRecord[] records = [.. SourcedRecord.FromSequence(Enumerable.Range(0, 100).Select(Problem), "test")];
        using ScriptedModel model = new(Enumerable.Range(0, 100).ToDictionary(number => $"Problem {number:D3}", number => $"{(number == 0 ? detour : "")}#### {number}"));

        Assert.Equal(new AnswerAccuracy(100, 100), Solve(model, records));
        Assert.Equal(new AnswerAccuracy(100, 100), Solve(model, records.Reverse()));
        Assert.Equal([64, 36, 64, 36], model.BatchRows);
    }

    [Fact]
    public void A_model_that_never_ends_is_stopped_and_wrong()
    {
        using ScriptedModel model = new(new Dictionary<string, string> { ["One and one?"] = "#### 2" + new string('.', 10_000) }, contextTokens: 100_000);

        Assert.Equal(new AnswerAccuracy(0, 1), Solve(model, [Records[1]]));
        Assert.InRange(model.Passes, 17, 100);
    }

    [Fact]
    public void A_real_model_is_measured_without_leaving_tensors_behind()
    {
        using LlamaModel model = new(new LlamaConfig
        {
            VocabularySize = Tokenizer.VocabularySize,
            HiddenSize = 8,
            IntermediateSize = 8,
            LayerCount = 1,
            HeadCount = 1,
            KeyValueHeadCount = 1,
            HeadSize = 8,
            ContextTokens = 128,
            TieWordEmbeddings = true,
        });
        LlamaInitializer.Initialize(model, seed: 1);
        Call(model, Records);
        long live = DisposeScopeManager.Statistics.ThreadTotalLiveCount;

        Assert.Equal(new AnswerAccuracy(0, 2), Call(model, Records));
        Assert.Equal(live, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void A_cancelled_measurement_ends()
    {
        using ScriptedModel model = new(new Dictionary<string, string>());

        Assert.Throws<OperationCanceledException>(() => AnswerEvaluator.Reasoning(model, Tokenizer, Records, new CancellationToken(canceled: true)));
    }

    private static AnswerAccuracy? Solve(CausalLanguageModel model, IEnumerable<SourcedRecord> records) =>
        AnswerEvaluator.Reasoning(model, Tokenizer, records, TestContext.Current.CancellationToken);

    private static AnswerAccuracy? Call(CausalLanguageModel model, IEnumerable<SourcedRecord> records) =>
        AnswerEvaluator.ToolCalls(model, Tokenizer, records, TestContext.Current.CancellationToken);
}
