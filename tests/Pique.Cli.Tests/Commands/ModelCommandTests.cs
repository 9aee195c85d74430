using System.Text.Json;
using Pique.Formats;
using Pique.Models.Families;
using Pique.Models.Generation;

namespace Pique.Cli.Tests.Commands;

/// <summary>Commands that use a model without training it.</summary>
public sealed class ModelCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _model;
    private readonly string _data;

    public ModelCommandTests()
    {
        _model = TinyModel.Save(_folder.Of("model"));
        _data = _folder.Write("data.txt", TinyModel.Texts);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Generate_prints_the_prompt_and_what_the_model_writes_after_it()
    {
        using LoadedModel model = ModelLoader.Load(_model);
        int[] prompt = [model.Tokenizer.BeginOfTextId!.Value, .. model.Tokenizer.Encode("The cat")];
        var options = new GenerationOptions { MaxTokens = 20, Temperature = 1.5, Seed = 7, StopIds = [0, 1] };
        GeneratedSequence expected = TokenGenerator.Generate(model.Model, prompt, options, cancellationToken: TestContext.Current.CancellationToken);
        string[] arguments = ["generate", _model, "--prompt", "The cat", "--max-tokens", "20", "--temperature", "1.5", "--seed", "7"];

        (int exitCode, string output, string error) = FakeTerminal.Run(arguments);
        (_, string json, _) = FakeTerminal.Run([.. arguments, "--json"]);

        Assert.Equal((0, ""), (exitCode, error));
        string continuation = model.Tokenizer.Decode(expected.TokenIds, continuation: true);
        Assert.Equal(TrimmedLines($"The cat{continuation}\n"), output);
        using JsonDocument document = JsonDocument.Parse(json);
        Assert.Equal(continuation, document.RootElement.GetProperty("text").GetString());
        Assert.Equal(expected.TokenIds.Count, document.RootElement.GetProperty("tokens").GetInt32());
        Assert.Equal(["model", "prompt", "text", "tokens", "finish_reason"], document.RootElement.EnumerateObject().Select(field => field.Name));
    }

    [Fact]
    public void Generate_starts_from_nothing_where_a_token_opens_a_text() =>
        Assert.Equal(0, FakeTerminal.Run("generate", _model, "--prompt", "", "--max-tokens", "3").ExitCode);

    [Fact]
    public void Evaluate_measures_all_records_of_the_files()
    {
        (int exitCode, string output, _) = FakeTerminal.Run("evaluate", _model, "--data", _data, _data, "--json");
        (_, string once, _) = FakeTerminal.Run("evaluate", _model, "--data", $"code={_data}", "--json");

        Assert.Equal(0, exitCode);
        using JsonDocument both = JsonDocument.Parse(output);
        using JsonDocument single = JsonDocument.Parse(once);
        Assert.Equal(
            ["model", "tokens", "context_tokens", "perplexity", "bits_per_byte", "bits_per_weight", "file_bytes"],
            both.RootElement.EnumerateObject().Select(field => field.Name));
        Assert.Equal(64, both.RootElement.GetProperty("context_tokens").GetInt32());
        Assert.Equal(2 * single.RootElement.GetProperty("tokens").GetInt64(), both.RootElement.GetProperty("tokens").GetInt64());
        Assert.Equal(single.RootElement.GetProperty("perplexity").GetDouble(), both.RootElement.GetProperty("perplexity").GetDouble(), 0.01);
    }

    [Fact]
    public void Evaluate_against_the_model_itself_finds_no_difference()
    {
        (int exitCode, string output, _) = FakeTerminal.Run("evaluate", _model, "--data", _data, "--teacher", _model, "--json");

        Assert.Equal(0, exitCode);
        using JsonDocument document = JsonDocument.Parse(output);
        Assert.Equal(0, document.RootElement.GetProperty("kl_divergence").GetDouble(), 1e-6);
        Assert.Equal(1, document.RootElement.GetProperty("top1_agreement").GetDouble());
        Assert.Equal(0, document.RootElement.GetProperty("rms_delta_p").GetDouble(), 1e-6);
    }

    [Fact]
    public void Evaluate_measures_problems_where_there_are_some()
    {
        string problems = _folder.Write("problems.jsonl", """{"prompt": "1+1?", "reasoning": ["1+1=2"], "answer": "2"}""" + "\n");

        (_, string output, _) = FakeTerminal.Run("evaluate", _model, "--data", problems, "--json");

        using JsonDocument document = JsonDocument.Parse(output);
        Assert.Equal(0, document.RootElement.GetProperty("reasoning_accuracy").GetDouble());
        Assert.False(document.RootElement.TryGetProperty("tool_accuracy", out _));
    }

    [Theory]
    [InlineData("piq3", 3)]
    [InlineData("piq2", 2)]
    public void Quantize_writes_a_model_that_evaluates(string preset, int bits)
    {
        string packed = _folder.Of("packed");

        (int exitCode, string output, string error) = FakeTerminal.Run("quantize", _model, "--config", preset, "--out", packed, "--json");

        Assert.Equal((0, ""), (exitCode, error));
        using JsonDocument document = JsonDocument.Parse(output);
        JsonElement[] layers = [.. document.RootElement.GetProperty("layers").EnumerateArray()];
        Assert.All(layers, layer => Assert.Equal(
            layer.GetProperty("name").GetString()!.Contains("layers", StringComparison.Ordinal) ? bits : 8, layer.GetProperty("bits").GetInt32()));
        Assert.All(layers, layer => Assert.Equal(bits == 2, layer.GetProperty("incoherence_before").ValueKind == JsonValueKind.Number && layer.GetProperty("incoherence_after").GetDouble() >= 1));
        Assert.Equal(new FileInfo(Path.Combine(packed, "model.safetensors")).Length, document.RootElement.GetProperty("file_bytes").GetInt64());
        Assert.Equal(0, FakeTerminal.Run("evaluate", packed, "--data", _data, "--teacher", _model).ExitCode);
    }

    [Fact]
    public void Quantize_shows_what_a_rotation_did()
    {
        (int exitCode, string output, string error) = FakeTerminal.Run("quantize", _model, "--config", "piq2", "--out", _folder.Of("packed"));

        Assert.Equal((0, ""), (exitCode, error));
        Assert.Matches("SQNR dB +output dB +μ before +μ after", output);
        Assert.Matches(@"lm_head +\d+ × 16 +8 +two's complement +\d+\.\d+ +\d+\.\d\d +– +\d\.\d\d +\d\.\d\d\n", output);
    }

    [Fact]
    public void Quantize_takes_the_overrides_of_a_recipe()
    {
        string recipe = _folder.Write("recipe.json", """
            {"qat": {"bits": 4}, "model": "model", "data": {"files": [{"path": "data.txt"}]},
             "overrides": [{"pattern": "*embed_tokens", "full_precision": true}]}
            """);

        (_, string output, _) = FakeTerminal.Run("quantize", _model, "--config", recipe, "--out", _folder.Of("packed"), "--method", "absmax", "--json");

        using JsonDocument document = JsonDocument.Parse(output);
        Assert.Equal("rtn", document.RootElement.GetProperty("method").GetString());
        Assert.All(document.RootElement.GetProperty("layers").EnumerateArray(), layer => Assert.Equal(4, layer.GetProperty("bits").GetInt32()));
    }

    [Theory]
    [InlineData("half_integer", "half-integer, pi/4")]
    [InlineData("twos_complement", "pi/4")]
    public void Quantize_rounds_to_the_grid_that_is_asked_for(string grid, string name)
    {
        string packed = _folder.Of("packed");

        (int exitCode, string output, string error) = FakeTerminal.Run("quantize", _model, "--config", "piq3", "--grid", grid, "--out", packed);

        Assert.Equal((0, ""), (exitCode, error));
        Assert.Matches($@"model\.layers\.1\.mlp\.down_proj +16 × 24 +3 +{name} +3\.667 ", output);
        Assert.Matches(@"model\.embed_tokens +\d+ × 16 +8 +two's complement ", output);
        Assert.Matches($@"model\.layers\.1\.mlp\.down_proj\.weight +16 × 24 +3 bits, {name} +PerChannel ", FakeTerminal.Run("inspect", packed).Output);
    }

    [Fact]
    public void Quantize_takes_the_two_level_grid_of_a_recipe()
    {
        string recipe = _folder.Write("recipe.json", """
            {"qat": {"bits": 3, "granularity": {"PerBlock": {"block_size": 16}}}, "grid": "two_level", "model": "model", "data": {"files": [{"path": "data.txt"}]}}
            """);
        string packed = _folder.Of("packed");

        (int exitCode, string output, string error) = FakeTerminal.Run("quantize", _model, "--config", recipe, "--out", packed, "--json", "--quiet");

        Assert.Equal((0, ""), (exitCode, error));
        using JsonDocument document = JsonDocument.Parse(output);
        Assert.All(document.RootElement.GetProperty("layers").EnumerateArray(), layer => Assert.Equal(
            layer.GetProperty("name").GetString()!.Contains("layers", StringComparison.Ordinal) ? "two-level 256/16" : "two's complement", layer.GetProperty("grid").GetString()));
        Assert.Matches(@"down_proj\.weight +16 × 24 +3 bits, two-level 256/16 +PerBlock 16 ", FakeTerminal.Run("inspect", packed).Output);
    }

    [Fact]
    public void Quantize_refuses_a_grid_that_the_configuration_does_not_have()
    {
        (int exitCode, _, string error) = FakeTerminal.Run("quantize", _model, "--config", "bits4", "--grid", "two_level", "--out", _folder.Of("packed"));

        Assert.Equal(2, exitCode);
        Assert.Equal(
            "error: --config with --grid: grid: found \"two_level\" at 4 bits, PerChannel, expected PerBlock 32 at 2 to 5 bits or PerBlock 16 at 2 or 3;"
            + " set qat.granularity to {\"PerBlock\": {\"block_size\": 32}}, or choose another grid.\n",
            error);
        Assert.False(Directory.Exists(_folder.Of("packed")));
    }

    [Fact]
    public void Quantize_refuses_a_quantized_model()
    {
        string packed = _folder.Of("packed");
        Assert.Equal(0, FakeTerminal.Run("quantize", _model, "--config", "bits8", "--out", packed, "--quiet").ExitCode);

        (int exitCode, _, string error) = FakeTerminal.Run("quantize", packed, "--config", "bits4", "--out", _folder.Of("twice"));

        Assert.Equal(2, exitCode);
        Assert.Equal($"error: {packed}: is quantized already, expected a model in full precision. Name the model it was made from.\n", error);
        Assert.False(Directory.Exists(_folder.Of("twice")));
    }

    [Fact]
    public void Inspect_recognises_models_and_their_files()
    {
        string packed = _folder.Of("packed");
        Assert.Equal(0, FakeTerminal.Run("quantize", _model, "--config", "piq3", "--out", packed).ExitCode);

        Assert.Equal("Hugging Face model", Kind(_model));
        Assert.Equal("packed model", Kind(packed));
        Assert.Equal("safetensors file", Kind(Path.Combine(packed, "model.safetensors")));
        Assert.Equal("tokenizer", Kind(Path.Combine(packed, "tokenizer.json")));
    }

    [Fact]
    public void Inspect_shows_bits_and_scales_of_a_packed_model()
    {
        string packed = _folder.Of("packed");
        Assert.Equal(0, FakeTerminal.Run("quantize", _model, "--config", "piq3", "--out", packed).ExitCode);

        (int exitCode, string output, string error) = FakeTerminal.Run("inspect", packed);

        Assert.Equal((0, ""), (exitCode, error));
        Assert.Matches(@"model\.layers\.1\.mlp\.down_proj\.weight +16 × 24 +3 bits, pi/4 +PerChannel +3\.6667 +0\.\d+ +0\.\d+", output);
        Assert.Matches(@"model\.norm\.weight +16 +F32 +– +– +– +–", output);
    }

    [Fact]
    public void Inspect_shows_what_a_family_has_that_llama_has_not()
    {
        string model = TinyModel.Save(_folder.Of("qwen2"), config => config with { Family = ModelFamily.Qwen2, SlidingWindow = 40, RopeScaling = new RopeScaling.Linear(2.5f) });
        string packed = _folder.Of("packed");
        Assert.Equal(0, FakeTerminal.Run("quantize", model, "--config", "piq3", "--out", packed).ExitCode);

        (int exitCode, string output, string error) = FakeTerminal.Run("inspect", packed);

        Assert.Equal((0, ""), (exitCode, error));
        Assert.Matches(@"family +qwen2\s", output);
        Assert.Matches(@"context tokens +40\s", output);
        Assert.Matches(@"sliding window +40\s", output);
        Assert.Matches(@"rope scaling +linear, factor 2\.5\s", output);
        Assert.Matches(@"model\.layers\.1\.self_attn\.q_proj\.weight +16 × 16 +3 bits, pi/4 +PerChannel ", output);
        Assert.Matches(@"model\.layers\.1\.self_attn\.q_proj\.bias +16 +F32 +– +– +– +–", output);
    }

    [Fact]
    public void Evaluate_runs_no_rows_longer_than_the_window()
    {
        string model = TinyModel.Save(_folder.Of("mistral"), config => config with { Family = ModelFamily.Mistral, SlidingWindow = 24 });

        (int exitCode, string output, _) = FakeTerminal.Run("evaluate", model, "--data", _data, "--json");

        Assert.Equal(0, exitCode);
        using JsonDocument document = JsonDocument.Parse(output);
        Assert.Equal(24, document.RootElement.GetProperty("context_tokens").GetInt32());
    }

    private static string Kind(string path)
    {
        (int exitCode, string output, _) = FakeTerminal.Run("inspect", path, "--json");
        Assert.Equal(0, exitCode);
        using JsonDocument document = JsonDocument.Parse(output);
        return document.RootElement.GetProperty("kind").GetString()!;
    }

    private static string TrimmedLines(string text) => string.Join('\n', text.Split('\n').Select(line => line.TrimEnd()));
}
