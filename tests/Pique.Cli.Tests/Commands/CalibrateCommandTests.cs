using System.Text.Json;
using System.Text.RegularExpressions;

namespace Pique.Cli.Tests.Commands;

public sealed partial class CalibrateCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string _model;
    private readonly string _data;

    public CalibrateCommandTests()
    {
        _model = TinyModel.Save(_folder.Of("model"));
        _data = _folder.Write("data.txt", TinyModel.Texts);
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("rtn")]
    [InlineData("percentile")]
    [InlineData("mse")]
    [InlineData("entropy")]
    [InlineData("gptq")]
    public void A_calibration_quantizes_as_quantize_would_by_itself(string method)
    {
        string file = _folder.Of("calibration.json");
        string[] fromFile = ["quantize", _model, "--config", Recipe(), "--out", _folder.Of("from-file"), "--calibration", file, "--quiet", "--json"];
        string[] direct = ["quantize", _model, "--config", Recipe(), "--out", _folder.Of("direct"), "--method", method, "--quiet", "--json"];

        (int exitCode, string output, string error) = FakeTerminal.Run("calibrate", Recipe(), "--method", method, "--out", file, "--quiet", "--json");

        Assert.Equal((0, ""), (exitCode, error));
        using JsonDocument document = JsonDocument.Parse(output);
        Assert.Equal(method, document.RootElement.GetProperty("method").GetString());
        Assert.Equal(38, document.RootElement.GetProperty("samples").GetProperty("general").GetInt32());
        Assert.Equal((0, 0), (FakeTerminal.Run(fromFile).ExitCode, FakeTerminal.Run(direct).ExitCode));
        Assert.Equal(File.ReadAllBytes(_folder.Of("direct/model.safetensors")), File.ReadAllBytes(_folder.Of("from-file/model.safetensors")));
        Assert.Equal(method == "gptq", File.Exists(_folder.Of("calibration.safetensors")));
    }

    [Fact]
    public void Equal_inputs_give_equal_bytes_but_for_the_timestamp()
    {
        string[] files = [.. Enumerable.Range(0, 2).Select(run =>
        {
            string file = Directory.CreateDirectory(_folder.Of($"run{run}")).FullName + "/calibration.json";
            Assert.Equal(0, FakeTerminal.Run("calibrate", "--config", "bits2", "--model", _model, "--data", _data, "--out", file, "--method", "gptq", "--sensitivity", "--quiet").ExitCode);
            return file;
        })];

        Assert.Equal(1, Timestamp().Count(File.ReadAllText(files[0])));
        Assert.Equal(Timestamp().Replace(File.ReadAllText(files[0]), "then"), Timestamp().Replace(File.ReadAllText(files[1]), "then"));
        Assert.Equal(File.ReadAllBytes(files[0].Replace(".json", ".safetensors", StringComparison.Ordinal)), File.ReadAllBytes(files[1].Replace(".json", ".safetensors", StringComparison.Ordinal)));
        Assert.Equal(File.ReadAllBytes(files[0].Replace(".json", ".sensitivity.svg", StringComparison.Ordinal)), File.ReadAllBytes(files[1].Replace(".json", ".sensitivity.svg", StringComparison.Ordinal)));
    }

    [Fact]
    public void Training_starts_from_the_calibration_it_is_given()
    {
        string file = _folder.Of("calibration.json");
        Assert.Equal(0, FakeTerminal.Run("calibrate", Recipe(), "--out", file, "--quiet").ExitCode);
        (int exitCode, string output, _) = FakeTerminal.Run("train", Recipe(), "--calibration", file, "--out", _folder.Of("given"), "--quiet", "--json");
        (_, string own, _) = FakeTerminal.Run("train", Recipe(), "--out", _folder.Of("own"), "--quiet", "--json");

        Assert.Equal(0, exitCode);
        Assert.Equal(Digest(own), Digest(output));
        Assert.Contains($"\"artifact\": \"{file}\"", File.ReadAllText(_folder.Of("given/recipe.json")), StringComparison.Ordinal);

        static string? Digest(string json) => JsonDocument.Parse(json).RootElement.GetProperty("model_digest").GetString();
    }

    [Fact]
    public void Sensitivity_is_a_table_and_a_plot_and_divides_bits()
    {
        string recipe = Recipe(""", "overrides": [{"pattern": "*embed_tokens", "bits": 8}, {"pattern": "*", "bits": "auto:3"}, {"pattern": "*embed_tokens", "bits": 8}]""");

        (int exitCode, string output, string error) = FakeTerminal.Run("calibrate", recipe, "--out", _folder.Of("c.json"), "--sensitivity", "--quiet");

        Assert.Equal((0, ""), (exitCode, error));
        Assert.Matches(@"model\.layers\.1\.mlp\.down_proj +384( +-?\d+\.\d\d / -?\d+\.\d\d){5} +[23458]\b", output);
        Assert.Matches(@"model\.embed_tokens +[\d,]+( +-?\d+\.\d\d / -?\d+\.\d\d){5} +–", output);
        Assert.StartsWith("<svg", File.ReadAllText(_folder.Of("c.sensitivity.svg")), StringComparison.Ordinal);
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(_folder.Of("c.json")));
        JsonProperty[] layers = [.. document.RootElement.GetProperty("tensors").EnumerateObject().Where(layer => layer.Name.Contains("layers", StringComparison.Ordinal))];
        double weights = layers.Sum(layer => WeightsOf(layer.Value));
        Assert.InRange(layers.Sum(layer => WeightsOf(layer.Value) * layer.Value.GetProperty("bits").GetInt32()) / weights, 2.5, 3.0);
        Assert.Equal(0, FakeTerminal.Run("quantize", _model, "--config", recipe, "--calibration", _folder.Of("c.json"), "--out", _folder.Of("packed"), "--quiet").ExitCode);

        static double WeightsOf(JsonElement layer) => layer.GetProperty("shape")[0].GetInt64() * layer.GetProperty("shape")[1].GetInt64();
    }

    [Theory]
    [InlineData("", "gptq", true)]
    [InlineData("\"weighted\": false", "gptq", true)]
    [InlineData("\"method\": \"gptq\", \"weighted\": false", "gptq", false)]
    [InlineData("\"method\": \"gptq\"", "mse", false)]
    public void A_method_of_the_command_line_weighs_errors_as_it_does_by_itself(string stated, string method, bool weighted)
    {
        (_, string output, _) = FakeTerminal.Run("calibrate", Recipe($$""", "calibration": { {{stated}} }"""), "--method", method, "--out", _folder.Of("c.json"), "--quiet", "--json");
        Assert.Equal(weighted, JsonDocument.Parse(output).RootElement.GetProperty("weighted").GetBoolean());
    }

    [Fact]
    public void Quantizing_with_data_weighs_errors_as_a_calibration_by_second_order_rounding()
    {
        string recipe = Recipe(""", "calibration": {"method": "gptq", "weighted": true}""");
        Assert.Equal(0, FakeTerminal.Run("quantize", _model, "--config", "bits2", "--data", _data, "--out", _folder.Of("unsaid"), "--quiet").ExitCode);
        Assert.Equal(0, FakeTerminal.Run("quantize", _model, "--config", recipe, "--data", _data, "--out", _folder.Of("stated"), "--quiet").ExitCode);
        Assert.Equal(File.ReadAllBytes(_folder.Of("stated/model.safetensors")), File.ReadAllBytes(_folder.Of("unsaid/model.safetensors")));
    }

    [Fact]
    public void Inspect_shows_all_that_a_calibration_found()
    {
        string recipe = Recipe(""", "overrides": [{"pattern": "*embed_tokens", "bits": 8}, {"pattern": "*", "bits": "auto:3"}]""");
        string file = _folder.Of("c.json");
        Assert.Equal(0, FakeTerminal.Run("calibrate", recipe, "--out", file, "--sensitivity", "--quiet").ExitCode);

        string output = FakeTerminal.Run("inspect", file).Output;
        Assert.Matches(@"\nmethod +mse\nweighted +no\n", output);
        Assert.Matches(@"\nsamples +38\nsamples\.general +38\nwarnings +calibration samples: no record [^\n]+\nbits +2\nactivation bits +8\n", output);
        Assert.Matches(@"\ninputs\n+ +name +tokens +rms +min max +percentile +mse +entropy +scale +zero point\n", output);
        Assert.Matches(@"\npredicted nats\n+ +name +weights +chosen bits +2 bits +3 bits +4 bits +5 bits +8 bits\n", output);
        Assert.Contains("\nmeasured nats\n", output, StringComparison.Ordinal);

        using JsonDocument document = JsonDocument.Parse(FakeTerminal.Run("inspect", file, "--json").Output);
        JsonElement root = document.RootElement;
        Assert.Equal(1, root.GetProperty("warnings").GetArrayLength());
        Assert.All(root.GetProperty("inputs").EnumerateArray(), input =>
        {
            Assert.All((string[])["min_max", "percentile", "mse", "entropy"], range => Assert.Equal(2, input.GetProperty(range).GetArrayLength()));
            Assert.True(input.GetProperty("scale").GetDouble() > 0);
            Assert.InRange(input.GetProperty("zero_point").GetInt32(), 0, 255);
        });
        JsonElement layer = root.GetProperty("predicted_nats").EnumerateArray().Single(row => row.GetProperty("name").GetString() == "model.layers.1.mlp.down_proj");
        Assert.Equal(root.GetProperty("weights").EnumerateArray().Single(row => row.GetProperty("name").GetString() == "model.layers.1.mlp.down_proj").GetProperty("bits").GetInt32(), layer.GetProperty("chosen_bits").GetInt32());
        Assert.True(layer.GetProperty("2_bits").GetDouble() > 0);
    }

    [Fact]
    public void A_calibration_of_another_model_or_configuration_is_refused()
    {
        string file = _folder.Of("calibration.json");
        Assert.Equal(0, FakeTerminal.Run("calibrate", Recipe(), "--out", file, "--quiet").ExitCode);
        string other = TinyModel.SaveWithTwoLetters(_folder.Of("other"));

        (int exitCode, _, string error) = FakeTerminal.Run("quantize", _model, "--config", "piq3", "--calibration", file, "--out", _folder.Of("packed"), "--quiet");
        Assert.Equal(2, exitCode);
        Assert.Equal(
            $"error: {file}: config.bits: found 2, expected 3, as the recipe has it; calibrate with this recipe.\n"
            + $"{file}: config.pi_k: found null, expected 4, as the recipe has it; calibrate with this recipe.\n",
            error);

        (exitCode, _, error) = FakeTerminal.Run("quantize", other, "--config", Recipe(), "--calibration", file, "--out", _folder.Of("packed"), "--quiet");
        Assert.Equal(2, exitCode);
        Assert.Matches($"^error: {Regex.Escape(file)}: model_sha256: found [0-9a-f]{{64}}, expected that of the model, [0-9a-f]{{64}}; calibrate this model, or name the one that was calibrated\\.\n$", error);
        Assert.False(Directory.Exists(_folder.Of("packed")));
    }

    [Fact]
    public void Bits_that_were_chosen_for_another_recipe_are_refused()
    {
        string file = _folder.Of("calibration.json");
        Assert.Equal(0, FakeTerminal.Run("calibrate", WithOverrides("""{"pattern": "*layers*", "bits": "auto:2.5"}"""), "--out", file, "--quiet").ExitCode);

        AssertRefused(
            "found bits divided as \"auto:2.5\" over \"*layers*\", expected bits divided as \"auto:4\" over \"*layers*\"",
            WithOverrides("""{"pattern": "*layers*", "bits": "auto:4"}"""));
        Assert.Equal(0, FakeTerminal.Run("calibrate", WithOverrides("""{"pattern": "*q_proj", "full_precision": true}"""), "--out", file, "--quiet").ExitCode);
        AssertRefused(
            "found bits that calibration did not choose, expected bits divided as \"auto:2.5\" over \"*q_proj\"",
            WithOverrides("""{"pattern": "*q_proj", "bits": "auto:2.5"}"""));

        string WithOverrides(string more) => Recipe($$"""
            , "overrides": [{"pattern": "*embed_tokens", "bits": 8}, {{more}}]
            """);

        void AssertRefused(string expected, string recipe)
        {
            (int exitCode, _, string error) = FakeTerminal.Run("train", recipe, "--calibration", file, "--out", _folder.Of("run"), "--quiet");
            Assert.Equal((2, $"error: model.layers.0.self_attn.q_proj: {expected}, as the recipe has it; calibrate this model with this recipe.\n"), (exitCode, error));
            Assert.False(Directory.Exists(_folder.Of("run")));
        }
    }

    [Fact]
    public void Files_are_tagged_by_domain_and_counts_that_they_do_not_have_are_refused()
    {
        string recipe = Recipe(""", "calibration": {"samples": {"general": 5, "code": 3}}""");
        (_, string output, _) = FakeTerminal.Run(
            "calibrate", "--config", "bits4", "--model", _model, "--data", _data, $"code={_data}", "--method", "rtn", "--out", _folder.Of("c.json"), "--quiet", "--json");

        using JsonDocument document = JsonDocument.Parse(output);
        Assert.Equal((38, 38), (document.RootElement.GetProperty("samples").GetProperty("general").GetInt32(), document.RootElement.GetProperty("samples").GetProperty("code").GetInt32()));

        (int exitCode, _, string error) = FakeTerminal.Run("calibrate", recipe, "--out", _folder.Of("c.json"), "--quiet");
        Assert.Equal(2, exitCode);
        Assert.Equal("error: calibration.samples.code: found 0 records of this domain in the training data, expected 3. Add a file with \"domain\": \"code\", or lower the count.\n", error);
    }

    [Theory]
    [InlineData("calibrate takes either a RECIPE, or --config, --model and --data together.", "--config", "bits4")]
    [InlineData("--method: found guess, expected one of rtn, percentile, mse, entropy, gptq. Write one of them.", "recipe.json", "--method", "guess")]
    public void Wrong_usage_is_told(string expected, params string[] arguments)
    {
        (int exitCode, _, string error) = FakeTerminal.Run(["calibrate", .. arguments]);
        Assert.Equal(1, exitCode);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("c.safetensors", "found the extension \".safetensors\", expected .json; rounded weights and plot are named after the file. Name another with --out.")]
    [InlineData("nowhere/c.json", "its folder does not exist, expected a file to write. Name one in a folder that exists with --out.")]
    public void A_file_that_cannot_be_written_is_refused_before_any_work(string name, string expected)
    {
        (int exitCode, _, string error) = FakeTerminal.Run("calibrate", Recipe(), "--out", _folder.Of(name), "--quiet");
        Assert.Equal((2, $"error: {_folder.Of(name)}: {expected}\n"), (exitCode, error));
    }

    [Fact]
    public void A_file_of_another_kind_is_not_overwritten()
    {
        string recipe = Recipe();
        string text = File.ReadAllText(recipe);
        string weights = _folder.Write("weights.safetensors", "theirs");
        foreach (string method in (string[])["rtn", "gptq"])
        {
            AssertRefused(recipe, method, $"{recipe}: found a file that is no calibration, expected none, or a calibration to replace. Name another file.");
            AssertRefused(
                _folder.Of("weights.json"),
                method,
                $"{weights}: found a file that belongs to no calibration, expected none, since rounded weights go by this name. Name another calibration file than weights.json, or move this one.");
        }

        Assert.Equal((text, "theirs", false), (File.ReadAllText(recipe), File.ReadAllText(weights), File.Exists(_folder.Of("weights.json"))));

        void AssertRefused(string path, string method, string expected)
        {
            (int exitCode, _, string error) = FakeTerminal.Run("calibrate", recipe, "--method", method, "--out", path, "--quiet");
            Assert.Equal((2, $"error: {expected}\n"), (exitCode, error));
        }
    }

    [Fact]
    public void A_calibration_replaces_an_older_one_and_its_rounded_weights()
    {
        string file = _folder.Of("c.json"), rounded = _folder.Of("c.safetensors");
        foreach ((string method, bool hasRounded) in (IEnumerable<(string, bool)>)[("gptq", true), ("gptq", true), ("rtn", false), ("rtn", false), ("gptq", true)])
        {
            Assert.Equal(0, FakeTerminal.Run("calibrate", Recipe(), "--method", method, "--out", file, "--quiet").ExitCode);
            Assert.Equal(hasRounded, File.Exists(rounded));
        }

        // Without a word of it in the calibration, the file beside it is someone else's.
        Assert.Equal(0, FakeTerminal.Run("calibrate", Recipe(), "--method", "rtn", "--out", file, "--quiet").ExitCode);
        File.WriteAllText(rounded, "theirs");
        Assert.Equal(2, FakeTerminal.Run("calibrate", Recipe(), "--method", "gptq", "--out", file, "--quiet").ExitCode);
        Assert.Equal("theirs", File.ReadAllText(rounded));
    }

    [Fact]
    public void Second_order_rounding_without_data_is_refused()
    {
        (int exitCode, _, string error) = FakeTerminal.Run("quantize", _model, "--config", "bits4", "--method", "gptq", "--out", _folder.Of("packed"), "--quiet");
        Assert.Equal(2, exitCode);
        Assert.Equal("error: calibration.method: \"gptq\" looks at what enters the layers, but there is no data. Give data, or choose rtn, percentile, mse or entropy.\n", error);
    }

    /// <summary>A recipe of 2 bits on the data file, with more fields.</summary>
    private string Recipe(string more = "") => _folder.Write("recipe.json", $$"""
        {"qat": {"bits": 2, "ste_variant": "LearnedStepSize", "epochs": 1, "warmup_epochs": 0}, "model": "model",
         "data": {"files": [{"path": "data.txt"}], "context_tokens": 48}, "training": {"batch_tokens": 96, "max_steps": 2, "compute_type": "float32"}{{more}}}
        """);

    [GeneratedRegex("\"timestamp\": \"[^\"]+\"")]
    private static partial Regex Timestamp();
}
