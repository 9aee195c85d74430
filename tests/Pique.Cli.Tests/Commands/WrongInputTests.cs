using System.Text;

namespace Pique.Cli.Tests.Commands;

/// <summary>Wrong inputs end in exit code 2, one message that says where, what and how to mend it, and leave nothing behind.</summary>
public sealed class WrongInputTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _model;
    private readonly string _data;

    public WrongInputTests()
    {
        _model = TinyModel.Save(_folder.Of("model"));
        _data = _folder.Write("data.txt", TinyModel.Texts);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_missing_model() => Refused($"{_folder.Of("absent")}: no such file or folder", "train", "--config", "piq3", "--model", _folder.Of("absent"), "--data", _data);

    [Fact]
    public void A_missing_data_file() => Refused($"{_folder.Of("absent.txt")}: no such file", "train", "--config", "piq3", "--model", _model, "--data", _folder.Of("absent.txt"));

    [Fact]
    public void A_missing_recipe() => Refused("is neither a preset nor a file", "train", _folder.Of("absent.json"));

    [Fact]
    public void A_missing_preset() => Refused("\"piq9\" is neither a preset nor a file", "train", "--config", "piq9", "--model", _model, "--data", _data);

    [Theory]
    [InlineData("train")]
    [InlineData("quantize")]
    public void A_truncated_weights_file(string command)
    {
        using (FileStream weights = File.OpenWrite(Path.Combine(_model, "model.safetensors")))
            weights.SetLength(weights.Length / 2);

        Refused("model.safetensors", command == "train" ? [command, "--config", "piq3", "--model", _model, "--data", _data] : [command, _model, "--config", "piq3"]);
    }

    [Fact]
    public void A_header_that_lies_about_its_length()
    {
        using (FileStream weights = File.OpenWrite(Path.Combine(_model, "model.safetensors")))
            weights.Write(BitConverter.GetBytes(1L << 40));

        Refused("the safetensors header claims 1099511627776 bytes", "train", "--config", "piq3", "--model", _model, "--data", _data);
    }

    [Fact]
    public void Weights_that_are_not_numbers()
    {
        string path = Path.Combine(_model, "model.safetensors");
        byte[] weights = File.ReadAllBytes(path);
        (weights[^2], weights[^1]) = (0xC0, 0x7F); // A NaN in bfloat16.
        File.WriteAllBytes(path, weights);

        Refused("holds NaN at [", "train", "--config", "piq3", "--model", _model, "--data", _data);
    }

    [Fact]
    public void An_unknown_configuration_field() =>
        Refused("bits", "train", "--config", _folder.Write("config.json", """{"bitz": 3}"""), "--model", _model, "--data", _data);

    [Fact]
    public void An_empty_data_file() =>
        Refused("empty.txt: found no record, expected at least one", "train", "--config", "piq3", "--model", _model, "--data", _folder.Write("empty.txt", ""));

    [Fact]
    public void A_record_longer_than_the_context()
    {
        string problem = $$"""{"prompt": "{{string.Concat(Enumerable.Repeat("How many? ", 50))}}", "reasoning": ["one"], "answer": "1"}""";

        Refused("long.jsonl:", "train", "--config", "piq3", "--model", _model, "--data", _folder.Write("long.jsonl", problem + "\n" + problem.Replace("one", "two", StringComparison.Ordinal) + "\n"), _data);
    }

    [Fact]
    public void A_record_longer_than_the_context_of_a_model_to_be_pretrained()
    {
        string problem = $$"""{"prompt": "{{string.Concat(Enumerable.Range(0, 500))}}", "reasoning": ["one"], "answer": "1"}""";
        _folder.Write("long.jsonl", problem + "\n");
        string recipe = _folder.Write("pretrain.json", """
            {"architecture": {"hidden_size": 16, "intermediate_size": 24, "layers": 1, "heads": 2, "key_value_heads": 1, "context_tokens": 64},
             "tokenizer": {"vocabulary_size": 300},
             "data": {"files": [{"path": "data.txt"}, {"path": "long.jsonl"}], "held_out_share": 0.2, "context_tokens": 64}}
            """);

        Refused("long.jsonl:1", "pretrain", recipe);
    }

    [Fact]
    public void A_folder_for_the_output_below_a_file()
    {
        (int exitCode, string output, string error) = FakeTerminal.Run(
            "train", "--config", "piq3", "--model", _model, "--data", _data, "--out", Path.Combine(_data, "run"));

        AssertOneError(exitCode, output, error, "the output folder cannot be written");
        Assert.Equal(TinyModel.Texts, File.ReadAllText(_data));
    }

    [Fact]
    public void A_folder_for_the_output_that_the_system_does_not_allow()
    {
        (int exitCode, string output, string error) = FakeTerminal.Run("quantize", _model, "--config", "piq3", "--out", "/proc/pique");

        AssertOneError(exitCode, output, error, "/proc/pique: the output folder cannot be written");
    }

    [Theory]
    [InlineData("train")]
    [InlineData("quantize")]
    public void A_folder_for_the_output_that_holds_something(string command)
    {
        string output = Directory.CreateDirectory(_folder.Of("full")).FullName;
        File.WriteAllText(Path.Combine(output, "letter.txt"), "Dear Sir");

        (int exitCode, string text, string error) = FakeTerminal.Run(command == "train"
            ? [command, "--config", "piq3", "--model", _model, "--data", _data, "--out", output]
            : [command, _model, "--config", "piq3", "--out", output]);

        AssertOneError(exitCode, text, error, $"{output}: the output folder is not empty");
        Assert.Equal("Dear Sir", File.ReadAllText(Path.Combine(output, "letter.txt")));
    }

    [Fact]
    public void A_prompt_with_characters_outside_the_vocabulary()
    {
        string model = TinyModel.SaveWithTwoLetters(_folder.Of("letters"));

        (int exitCode, string output, string error) = FakeTerminal.Run("generate", model, "--prompt", "abéc");

        AssertOneError(exitCode, output, error, "--prompt: found 'é' (U+00E9) at index 2, 'c' (U+0063) at index 3, expected characters of the vocabulary");
    }

    [Fact]
    public void An_empty_prompt_where_no_token_opens_a_text()
    {
        string model = TinyModel.SaveWithTwoLetters(_folder.Of("letters"));

        (int exitCode, string output, string error) = FakeTerminal.Run("generate", model, "--prompt", "");

        AssertOneError(exitCode, output, error, "--prompt: found no text, expected some");
    }

    [Fact]
    public void A_prompt_longer_than_the_context()
    {
        (int exitCode, string output, string error) = FakeTerminal.Run("generate", _model, "--prompt", new string('x', 200));

        AssertOneError(exitCode, output, error, "leave no room in the model's context of 64");
    }

    [Fact]
    public void A_context_longer_than_the_models()
    {
        (int exitCode, string output, string error) = FakeTerminal.Run("evaluate", _model, "--data", _data, "--context", "65");

        AssertOneError(exitCode, output, error, "--context: found 65 tokens, expected 2 to 64");
    }

    [Fact]
    public void A_file_of_no_known_kind()
    {
        (int exitCode, string output, string error) = FakeTerminal.Run("inspect", _data);

        AssertOneError(exitCode, output, error, $"{_data}: found nothing that Pique reads");
    }

    private void Refused(string expected, params string[] arguments)
    {
        string run = _folder.Of("run");
        string[] before = Entries();

        (int exitCode, string output, string error) = FakeTerminal.Run([.. arguments, "--out", run, "--quiet"]);

        AssertOneError(exitCode, output, error, expected);
        Assert.Equal(before, Entries());
    }

    private string[] Entries() => [.. Directory.EnumerateFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private static void AssertOneError(int exitCode, string output, string error, string expected)
    {
        Assert.Equal((2, ""), (exitCode, output));
        Assert.Contains(expected, error, StringComparison.Ordinal);
        Assert.StartsWith("error: ", error, StringComparison.Ordinal);
        Assert.Equal(1, error.Split("error:").Length - 1);
        Assert.InRange(Encoding.UTF8.GetByteCount(error), 30, 2000);
    }
}
