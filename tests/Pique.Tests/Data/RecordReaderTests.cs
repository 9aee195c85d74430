using Pique.Configuration;
using Pique.Data;

namespace Pique.Tests.Data;

public sealed class RecordReaderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_text_file_is_read_document_by_document()
    {
        string path = _folder.Write("a.txt", "\uFEFFOne.\r\nTwo.\r\n<|endoftext|>\r\n\r\n  Three.\n\nFour.\n\n<|endoftext|>\n\n<|endoftext|>\n");
        SourcedRecord[] records = [.. RecordReader.Read(path, DataDomain.Code)];
        Assert.Equal(
            [
                new SourcedRecord(new DataRecord.Text("One.\nTwo.", DataDomain.Code), $"{path}:1", MayBeCut: true),
                new SourcedRecord(new DataRecord.Text("  Three.\n\nFour.", DataDomain.Code), $"{path}:5", MayBeCut: true),
            ],
            records);
    }

    [Fact]
    public void A_long_text_without_separators_is_broken_at_line_ends_and_nothing_is_lost()
    {
        string line = new('x', 999);
        string path = _folder.Write("a.txt", string.Concat(Enumerable.Repeat(line + "\n", 200)));
        string[] documents = [.. RecordReader.Read(path).Select(record => ((DataRecord.Text)record.Record).Content)];
        Assert.Equal([.. Enumerable.Repeat(16, 12), 8], documents.Select(document => document.Split('\n').Length));
        Assert.All(documents.SelectMany(document => document.Split('\n')), part => Assert.Equal(line, part));
    }

    [Fact]
    public void JSON_lines_are_read_in_all_four_forms()
    {
        string path = _folder.Write("a.jsonl", """
            {"text": "Caf\u00e9", "id": 3}

            {"prompt": "Why?", "reasoning": ["2 + 2 = 4.", "So."], "answer": 4}
            {"question": "How many?", "answer": "She sold 48/2 = <<48/2=24>>24 clips.\n\nThen 48+24 = <<48+24=72>>72.\n#### 72"}
            {"prompt": "Play.", "call": {"name":"play","arguments":{"song":"a b"}}}
            {"prompt": "Stop.", "call": "{\"name\":\"stop\",\"arguments\":{}}"}
            """);
        SourcedRecord[] records = [.. RecordReader.Read(path)];
        Assert.Equal([1, 3, 4, 5, 6], records.Select(record => int.Parse(record.Origin.Split(':')[^1], System.Globalization.CultureInfo.InvariantCulture)));
        Assert.All(records, record => Assert.False(record.MayBeCut));
        Assert.Equal(new DataRecord.Text("Café"), records[0].Record);
        AssertProblem("Why?", ["2 + 2 = 4.", "So."], "4", records[1]);
        AssertProblem("How many?", ["She sold 48/2 = 24 clips.", "Then 48+24 = 72."], "72", records[2]);
        Assert.Equal(new DataRecord.ToolCall("Play.", """{"name":"play","arguments":{"song":"a b"}}"""), records[3].Record);
        Assert.Equal(new DataRecord.ToolCall("Stop.", """{"name":"stop","arguments":{}}"""), records[4].Record);
    }

    [Theory]
    [InlineData("""{"promt": "a", "answer": "b"}""", "found the fields \"promt\", \"answer\", expected \"text\"; or \"prompt\", \"reasoning\" and \"answer\"; or \"question\" and \"answer\"; or \"prompt\" and \"call\".")]
    [InlineData("""{}""", "found no field, expected \"text\"; or \"prompt\", \"reasoning\" and \"answer\"; or \"question\" and \"answer\"; or \"prompt\" and \"call\".")]
    [InlineData("""{"text": "a", "prompt": "b"}""", "found the fields \"text\", \"prompt\", expected \"text\"; or \"prompt\", \"reasoning\" and \"answer\"; or \"question\" and \"answer\"; or \"prompt\" and \"call\".")]
    [InlineData("""["a"]""", "found a JSON array, expected an object a line.")]
    [InlineData("""{"text": 3}""", "\"text\" is a JSON number, expected a string.")]
    [InlineData("""{"text": "  "}""", "\"text\" is empty, expected text.")]
    [InlineData("""{"text": "\ud800"}""", "\"text\" has half of a surrogate pair, expected Unicode text.")]
    [InlineData("""{"prompt": "a", "reasoning": "b", "answer": "c"}""", "\"reasoning\" is a JSON string, expected an array of steps.")]
    [InlineData("""{"prompt": "a", "reasoning": ["b", "c\nd"], "answer": "c"}""", "\"reasoning[1]\" has a line end, expected one line; make each line a step.")]
    [InlineData("""{"question": "a", "answer": "b"}""", "\"answer\" ends without a result, expected a last line \"#### result\".")]
    [InlineData("""{"question": "a", "answer": "b\n####"}""", "\"answer\" has nothing after \"####\", expected the result.")]
    [InlineData("""{"prompt": "a", "call": {"name": "b"}}""", "\"call\" lacks a part, expected an object with a string \"name\" and an object \"arguments\".")]
    public void A_wrong_record_is_refused_with_file_and_line(string line, string fault)
    {
        string path = _folder.Write("a.jsonl", "{\"text\": \"right\"}\n" + line + "\n");
        InputException error = Assert.Throws<InputException>(() => RecordReader.Read(path).Count());
        Assert.Equal($"{path}:2: {fault}", error.Message);
    }

    [Theory]
    [InlineData("{\"text\": \"a\"")]
    [InlineData("{\"text\": \"a\", \"text\": \"b\"}")]
    [InlineData("{\"prompt\": \"a\", \"call\": \"{name\"}")]
    public void Broken_JSON_is_refused_with_file_and_line(string line)
    {
        string path = _folder.Write("a.jsonl", line);
        InputException error = Assert.Throws<InputException>(() => RecordReader.Read(path).Count());
        Assert.StartsWith($"{path}:1: ", error.Message, StringComparison.Ordinal);
        Assert.Contains("not a JSON object: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_no_UTF8_are_named_with_their_offset()
    {
        string path = _folder.Write("a.txt", [.. "Good.\nCaf"u8, 0xE9, (byte)'!', (byte)'\n']);
        InputException error = Assert.Throws<InputException>(() => RecordReader.Read(path).Count());
        Assert.Equal($"{path}:2: found the byte 0xE9 at offset 9, expected UTF-8; save the file as UTF-8.", error.Message);
    }

    [Fact]
    public void Characters_across_the_read_buffer_are_kept()
    {
        string line = "a" + string.Concat(Enumerable.Repeat("é", 60_000));
        string path = _folder.Write("a.txt", line + "\n" + line);
        Assert.Equal($"{line}\n{line}".Length, RecordReader.Read(path).Sum(record => ((DataRecord.Text)record.Record).Content.Length) + 1);
    }

    [Fact]
    public void An_endless_line_is_refused_before_it_fills_the_memory()
    {
        using Utf8LineReader lines = new(new EndlessStream(), "endless.jsonl");
        InputException error = Assert.Throws<InputException>(lines.ReadLine);
        Assert.Equal("endless.jsonl:1: the line is longer than 16777216 bytes; break it into lines or records.", error.Message);
    }

    [Theory]
    [InlineData("a.txt", "\n \n<|endoftext|>\n", "write text into it")]
    [InlineData("a.jsonl", "", "write a JSON object a line")]
    public void A_file_without_records_is_refused(string name, string content, string advice)
    {
        string path = _folder.Write(name, content);
        InputException error = Assert.Throws<InputException>(() => RecordReader.Read(path).Count());
        Assert.Equal($"{path}: found no record, expected at least one; {advice}.", error.Message);
    }

    [Fact]
    public void Missing_files_folders_and_other_extensions_are_refused_at_once()
    {
        string missing = Path.Combine(Path.GetTempPath(), "pique-no-such.txt");
        Assert.Equal(
            $"{missing}: no such file; check the path, which is relative to the recipe or the working folder.",
            Assert.Throws<InputException>(() => RecordReader.Read(missing)).Message);
        string parquet = _folder.Write("a.parquet", "x");
        Assert.Equal(
            $"{parquet}: found the extension \".parquet\", expected a .txt or .jsonl file.",
            Assert.Throws<InputException>(() => RecordReader.Read(parquet)).Message);
    }

    [Fact]
    public void GSM8K_is_read_whole()
    {
        SourcedRecord[] records = [.. RecordReader.Read(SharedData.PathOrSkip("gsm8k/test.jsonl"))];
        Assert.Equal(1319, records.Length);
        Assert.All(records, record => Assert.DoesNotContain("<<", string.Concat(((DataRecord.Reasoning)record.Record).Steps), StringComparison.Ordinal));
    }

    private static void AssertProblem(string prompt, string[] steps, string answer, SourcedRecord record)
    {
        DataRecord.Reasoning problem = Assert.IsType<DataRecord.Reasoning>(record.Record);
        Assert.Equal(prompt, problem.Prompt);
        Assert.Equal(steps, problem.Steps);
        Assert.Equal(answer, problem.Answer);
    }

    private sealed class EndlessStream : MemoryStream
    {
        public override int Read(Span<byte> buffer)
        {
            buffer.Fill((byte)'x');
            return buffer.Length;
        }
    }
}
