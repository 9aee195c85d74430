using System.Text.Json;
using Pique.Formats;

namespace Pique.Cli.Tests.Commands;

public sealed class ExportCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _model;
    private readonly string _packed;

    public ExportCommandTests()
    {
        // Rows of 32 and 64 weights: whole blocks of the simple types.
        _model = TinyModel.Save(_folder.Of("model"), config => config with { HiddenSize = 32, IntermediateSize = 64, HeadSize = 16 });
        _packed = _folder.Of("packed");
        Assert.Equal(0, FakeTerminal.Run("quantize", _model, "--config", "bits4", "--out", _packed, "--quiet").ExitCode);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_packed_model_becomes_a_file_of_its_very_weights_with_a_table_of_types()
    {
        (int exitCode, string output, string error) = FakeTerminal.Run("export", _packed, "--format", "gguf");

        Assert.Equal((0, ""), (exitCode, error));
        Assert.Contains("blk.0.ffn_down.weight", output, StringComparison.Ordinal);
        Assert.Matches(@"\nwritten +.*packed\.gguf, [0-9.]+ kB, [0-9.]+ bits per weight, every tensor exact\n", output);
        using LoadedModel packed = ModelLoader.Load(_packed);
        using LoadedModel exported = ModelLoader.Load(_packed + ".gguf");
        Assert.Equal(packed.Digest, exported.Digest);
        Assert.Equal(packed.Tokenizer.Encode("The cat sat."), exported.Tokenizer.Encode("The cat sat."));
    }

    [Fact]
    public void Json_names_every_tensor_with_type_bits_and_exactness()
    {
        string target = _folder.Of("other.gguf");

        (int exitCode, string output, _) = FakeTerminal.Run("export", _packed, "--format", "gguf:q8_0", "--out", target, "--json");

        Assert.Equal(0, exitCode);
        using JsonDocument document = JsonDocument.Parse(output);
        Assert.Equal(
            ["source", "format", "out", "file_bytes", "bits_per_weight", "exact", "warnings", "tensors"],
            document.RootElement.EnumerateObject().Select(field => field.Name));
        Assert.Equal(new FileInfo(target).Length, document.RootElement.GetProperty("file_bytes").GetInt64());
        JsonElement query = document.RootElement.GetProperty("tensors").EnumerateArray().Single(tensor => tensor.GetProperty("gguf_name").GetString() == "blk.1.attn_q.weight");
        Assert.Equal(
            """{"name":"model.layers.1.self_attn.q_proj.weight","gguf_name":"blk.1.attn_q.weight","shape":[32,32],"type":"Q8_0","code_bits":4,"bits_per_weight":8.5,"exact":true}""",
            JsonSerializer.Serialize(query));
    }

    [Fact]
    public void A_type_that_is_not_exact_is_refused_with_the_tensors_name_and_nothing_is_written()
    {
        string target = _folder.Of("forced.gguf");

        (int exitCode, string output, string error) = FakeTerminal.Run("export", _packed, "--format", "gguf:q3_k", "--out", target);

        Assert.Equal((2, ""), (exitCode, output));
        Assert.Equal(
            "error: model.layers.0.self_attn.q_proj.weight: cannot be written as Q3_K exactly (its rows of 32 weights are no multiple of 256); export without naming a type, which chooses an exact one for every tensor\n",
            error);
        Assert.False(File.Exists(target));
    }

    [Fact]
    public void Safetensors_hold_the_dequantized_weights_exactly()
    {
        (int exitCode, string output, _) = FakeTerminal.Run("export", _packed, "--format", "safetensors", "--json");

        Assert.Equal(0, exitCode);
        using JsonDocument document = JsonDocument.Parse(output);
        using LoadedModel packed = ModelLoader.Load(_packed);
        using LoadedModel exported = ModelLoader.Load(document.RootElement.GetProperty("out").GetString()!);
        Assert.Equal(packed.Digest, exported.Digest);
        Assert.Equal(ModelFormat.HuggingFace, exported.Format);
    }

    [Fact]
    public void Dequantized_weights_replace_no_model()
    {
        byte[] original = File.ReadAllBytes(Path.Combine(_model, "model.safetensors"));

        Assert.Equal(
            (2, "", $"error: {_model}: the output folder is not empty. Choose an empty or new folder with --out.\n"),
            FakeTerminal.Run("export", _packed, "--format", "safetensors", "--out", _model));
        Assert.Equal(original, File.ReadAllBytes(Path.Combine(_model, "model.safetensors")));
    }

    [Theory]
    [InlineData("onnx", "error: --format: found onnx, expected gguf, gguf:TYPE or safetensors. Write one of them.\nRun 'pique export --help' for usage.\n")]
    [InlineData("gguf:q7", "error: --format: found the type q7, expected one of f32, f16, q4_0, q4_1, q5_0, q5_1, q8_0, q2_k, q3_k, q4_k, q5_k, q6_k, bf16, tq1_0, tq2_0, q1_0, q2_0. Write one of them after \"gguf:\".\nRun 'pique export --help' for usage.\n")]
    public void An_unknown_format_is_a_fault_of_usage(string format, string expected) =>
        Assert.Equal((1, "", expected), FakeTerminal.Run("export", _packed, "--format", format));

    [Fact]
    public void A_run_without_a_model_and_the_model_itself_are_refused()
    {
        string run = Directory.CreateDirectory(_folder.Of("run")).FullName;
        File.WriteAllText(Path.Combine(run, "recipe.json"), "{}");
        Assert.Equal(
            (2, "", $"error: {run}: the run has no finished model (model is missing), expected one. Let it finish with --resume first.\n"),
            FakeTerminal.Run("export", run));

        string file = _folder.Of("model.gguf");
        Assert.Equal(0, FakeTerminal.Run("export", _model, "--out", file, "--quiet").ExitCode);
        Assert.Equal((2, "", $"error: {file}: is the model itself, expected another place to write to. Name one with --out.\n"), FakeTerminal.Run("export", file));
    }

    [Fact]
    public void Evaluate_generate_inspect_and_verify_take_the_file()
    {
        string data = _folder.Write("data.txt", TinyModel.Texts);
        string file = _packed + ".gguf";
        Assert.Equal(0, FakeTerminal.Run("export", _packed, "--quiet").ExitCode);

        foreach (string[] arguments in (string[][])[["evaluate", "--data", data], ["generate", "--prompt", "The cat", "--max-tokens", "8"]])
        {
            string fromFolder = FakeTerminal.Run([arguments[0], _packed, .. arguments[1..], "--json"]).Output;
            string fromFile = FakeTerminal.Run([arguments[0], file, .. arguments[1..], "--json"]).Output;
            using JsonDocument one = JsonDocument.Parse(fromFolder), other = JsonDocument.Parse(fromFile);
            string measure = arguments[0] == "evaluate" ? "perplexity" : "text";
            Assert.Equal(one.RootElement.GetProperty(measure).ToString(), other.RootElement.GetProperty(measure).ToString());
        }

        Assert.Matches(@"\nkind +GGUF file\nversion +3\n", FakeTerminal.Run("inspect", file).Output);
        Assert.Contains("metadata.pique.version", FakeTerminal.Run("inspect", file, "--json").Output, StringComparison.Ordinal);
        Assert.Equal(0, FakeTerminal.Run("verify", file).ExitCode);
    }
}
