using Pique.Configuration;
using Pique.Data;

namespace Pique.Tests.Data;

public sealed class RecordTokenizerTests
{
    private static readonly SourcedRecord Problem = new(
        new DataRecord.Reasoning("Q?", ["Well.", "2 + 3 = 5.", "It is 5."], "5"), "p.jsonl:1");

    [Fact]
    public void A_problem_reads_as_the_template_says()
    {
        TokenizedRecord record = new RecordTokenizer(new ByteTokenizer(), 256).Tokenize(Problem);
        Assert.Equal("Q?\nWell.\n2 + 3 = 5.\nIt is 5.\n#### 5", new ByteTokenizer().Decode(record.Tokens));
        Assert.Equal(ByteTokenizer.Begin, record.Tokens[0]);
        Assert.Equal(ByteTokenizer.End, record.Tokens[^1]);
        Assert.Equal("Q?\n", RecordTemplate.Prompt(Problem.Record));
        Assert.Equal("Well.\n2 + 3 = 5.\nIt is 5.\n#### 5", RecordTemplate.Response(Problem.Record));
        Assert.Equal(DataDomain.Reasoning, record.Domain);
        Assert.Equal("p.jsonl:1", record.Origin);
    }

    [Fact]
    public void Spans_hold_the_steps_and_the_answer()
    {
        TokenizedRecord record = new RecordTokenizer(new ByteTokenizer(), 256).Tokenize(Problem);
        Assert.Equal(
            [("Well.\n", ReasoningSpanKind.Step), ("2 + 3 = 5.\n", ReasoningSpanKind.Calculation), ("It is 5.\n", ReasoningSpanKind.Conclusion), (" 5", ReasoningSpanKind.Answer)],
            record.Spans.Select(span => (new ByteTokenizer().Decode([.. record.Tokens.Skip(span.Start).Take(span.Length)]), span.Kind)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_tokens_before_the_response_are_the_prompt_of_inference_and_only_the_rest_is_trained(bool prefixSpace)
    {
        RecordTokenizer tokenizer = new(new ByteTokenizer(prefixSpace), 256);
        foreach (SourcedRecord sourced in (SourcedRecord[])[Problem, new(new DataRecord.ToolCall("Stop é.", "{}"), "t.jsonl:1")])
        {
            TokenizedRecord record = tokenizer.Tokenize(sourced);
            IReadOnlyList<int> prompt = tokenizer.EncodePrompt(sourced);
            Assert.Equal(prompt, record.Tokens.Take(prompt.Count));
            Assert.Equal(record.Tokens.Select((_, index) => index >= prompt.Count), record.LossMask);
            Assert.Equal(RecordTemplate.Prompt(sourced.Record) + RecordTemplate.Response(sourced.Record), new ByteTokenizer(prefixSpace).Decode(record.Tokens));
        }
    }

    [Fact]
    public void Every_token_of_running_text_but_the_first_is_trained()
    {
        SourcedRecord text = new(new DataRecord.Text("Hi."), "a.txt:1", MayBeCut: true);
        TokenizedRecord marked = new RecordTokenizer(new ByteTokenizer(), 8).Tokenize(text);
        Assert.Equal([ByteTokenizer.Begin, 'H', 'i', '.', ByteTokenizer.End], marked.Tokens);
        Assert.Equal([false, true, true, true, true], marked.LossMask);

        TokenizedRecord bare = new RecordTokenizer(new ByteTokenizer(marks: false), 8).Tokenize(text);
        Assert.Equal(['H', 'i', '.'], bare.Tokens);
        Assert.Equal([false, true, true], bare.LossMask);
    }

    [Fact]
    public void Unknown_characters_are_masked_in_running_text_and_refused_elsewhere()
    {
        RecordTokenizer tokenizer = new(new ByteTokenizer(asciiOnly: true), 64);
        TokenizedRecord text = tokenizer.Tokenize(new SourcedRecord(new DataRecord.Text("né"), "a.txt:1", MayBeCut: true));
        Assert.Equal([false, true, false, false, true], text.LossMask);

        SourcedRecord call = new(new DataRecord.ToolCall("Où?", "{}"), "t.jsonl:4");
        InputException error = Assert.Throws<InputException>(() => tokenizer.EncodePrompt(call));
        Assert.Equal("t.jsonl:4: \"Où?\" has a character that the vocabulary lacks; write it with characters that the tokenizer knows.", error.Message);
    }

    [Fact]
    public void A_text_that_the_tokenizer_refuses_is_named_by_its_origin()
    {
        RecordTokenizer tokenizer = new(new ByteTokenizer(refuses: 'é'), 64);
        InputException error = Assert.Throws<InputException>(() => tokenizer.Tokenize(new SourcedRecord(new DataRecord.Text("né"), "a.txt:1")));
        Assert.Equal("a.txt:1: text: no token for 'é'.", error.Message);
    }

    [Fact]
    public void A_record_longer_than_the_context_is_refused_unless_it_may_be_cut()
    {
        RecordTokenizer tokenizer = new(new ByteTokenizer(), 10);
        InputException error = Assert.Throws<InputException>(() => tokenizer.Tokenize(Problem));
        Assert.Equal(
            "p.jsonl:1: the record has 37 tokens, the context holds 10; shorten or split the record, raise context_tokens, or put running text into a .txt file, which is cut to fit.",
            error.Message);
        SourcedRecord text = new(new DataRecord.Text("0123456789"), "a.txt:1", MayBeCut: true);
        Assert.Equal(12, tokenizer.Tokenize(text).Tokens.Count);
    }

    [Fact]
    public void Running_text_has_no_prompt()
    {
        RecordTokenizer tokenizer = new(new ByteTokenizer(), 10);
        Assert.Throws<ArgumentException>(() => tokenizer.EncodePrompt(new SourcedRecord(new DataRecord.Text("a"), "a.txt:1")));
    }
}
