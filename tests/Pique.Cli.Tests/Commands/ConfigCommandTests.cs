using System.Text.Json;
using Pique.Configuration;

namespace Pique.Cli.Tests.Commands;

public class ConfigCommandTests
{
    [Fact]
    public void New_writes_a_preset_as_its_json()
    {
        (int exitCode, string output, string error) = FakeTerminal.Run("config", "new", "--preset", "piq2");

        Assert.Equal((0, ""), (exitCode, error));
        Assert.Equal(QatConfigJson.Write(QatConfig.PiQ2) + "\n", output);
    }

    [Fact]
    public void New_writes_a_recipe_that_reads_back()
    {
        (int exitCode, string output, _) = FakeTerminal.Run("config", "new", "--recipe");

        Assert.Equal(0, exitCode);
        Recipe recipe = RecipeJson.Read(output, "output");
        Assert.Equal("path/to/model", recipe.Model);
        Assert.Equal("path/to/data.txt", Assert.Single(recipe.Data.Files).Path);
    }

    [Fact]
    public void New_does_not_overwrite_a_file()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("mine.json", "precious");

        (int exitCode, string output, string error) = FakeTerminal.Run("config", "new", "--out", path);

        Assert.Equal((2, ""), (exitCode, output));
        Assert.Equal($"error: {path}: exists already. Remove it, or choose another file with --out.\n", error);
        Assert.Equal("precious", File.ReadAllText(path));
    }

    [Fact]
    public void New_writes_a_file_that_validates()
    {
        using TemporaryFolder folder = new();
        string path = folder.Of("new.json");

        Assert.Equal(0, FakeTerminal.Run("config", "new", "--preset", "bits2", "--out", path).ExitCode);

        Assert.Equal((0, $"{path}: a valid configuration.\n", ""), FakeTerminal.Run("config", "validate", path));
    }

    [Fact]
    public void Validate_lists_every_fault()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("faulty.json", """{"bits": 7, "epochs": 0}""");

        (int exitCode, string output, string error) = FakeTerminal.Run("config", "validate", path);

        Assert.Equal((2, ""), (exitCode, output));
        Assert.StartsWith($"error: {path}: 2 faults\n  bits: found 7, ", error, StringComparison.Ordinal);
        Assert.Contains("\n  epochs: found 0, ", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_lists_every_fault_as_json()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("faulty.json", """{"bits": 7, "epochs": 0}""");

        (int exitCode, string output, string error) = FakeTerminal.Run("config", "validate", path, "--json");

        Assert.Equal((2, ""), (exitCode, error));
        using JsonDocument document = JsonDocument.Parse(output);
        Assert.False(document.RootElement.GetProperty("valid").GetBoolean());
        Assert.Equal(["bits", "epochs"], document.RootElement.GetProperty("faults").EnumerateArray().Select(fault => fault.GetProperty("path").GetString()!));
        Assert.All(
            document.RootElement.GetProperty("faults").EnumerateArray(),
            fault => Assert.All(["found", "expected", "fix"], field => Assert.NotEqual("", fault.GetProperty(field).GetString())));
    }

    [Fact]
    public void Show_adds_what_follows_from_the_configuration()
    {
        (int exitCode, string output, string error) = FakeTerminal.Run("config", "show", "PiQ3");

        Assert.Equal((0, ""), (exitCode, error));
        Assert.Equal(
            QatConfigJson.Write(QatConfig.PiQ3) + """


            levels                   8
            grid                     pi-scaled (k = 4)
            codes                    -4 to 3
            step                     α·π/4 = 0.7853982·α
            learned scale            yes
            estimator                learned step size
            nominal bits per weight  3.125

            """,
            output);
    }

    [Fact]
    public void Show_names_the_grid_and_the_estimator_of_a_recipe()
    {
        using TemporaryFolder folder = new();
        string path = folder.Write("recipe.json", """
            {"qat": {"bits": 2, "pi_k": 3, "ste_variant": "LearnedStepSize"}, "model": "m", "data": {"files": [{"path": "a.txt"}]},
             "grid": "half_integer", "estimator": {"EwgsSigned": {}}, "pi_k_per_channel": true, "oscillation_dampening": 0.1}
            """);

        (int exitCode, string output, string error) = FakeTerminal.Run("config", "show", path);

        Assert.Equal((0, ""), (exitCode, error));
        Assert.EndsWith(
            """
            levels                   4
            grid                     half-integer, pi-scaled (k per channel)
            codes                    -1.5 to 1.5, none at 0
            step                     α·π/k, k of 2 to 5 for every output channel
            learned scale            no
            estimator                signed EWGS, δ = 0.05
            dampening                0.1 of oscillations
            nominal bits per weight  2.125

            """,
            output,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Show_gives_configuration_and_queries_as_json()
    {
        (int exitCode, string output, string error) = FakeTerminal.Run("config", "show", "bits4", "--json");

        Assert.Equal((0, ""), (exitCode, error));
        using JsonDocument document = JsonDocument.Parse(output);
        Assert.Equal(4, document.RootElement.GetProperty("config").GetProperty("bits").GetInt32());
        Assert.Equal(16, document.RootElement.GetProperty("queries").GetProperty("level_count").GetInt32());
        Assert.Equal(JsonValueKind.Null, document.RootElement.GetProperty("queries").GetProperty("pi_step_at_alpha_1").ValueKind);
    }
}
