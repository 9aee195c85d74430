namespace Pique.Cli.Tests;

public class CommandLineTests
{
    [Fact]
    public void Help_names_every_command()
    {
        (int exitCode, string output, string error) = FakeTerminal.Run("--help");

        Assert.Equal(0, exitCode);
        Assert.Equal("", error);
        string[] commands = [.. output.Split("Commands:\n")[1].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Trim().Split(' ')[0])];
        Assert.Equal(["demo", "train", "quantize", "evaluate", "generate", "export", "inspect", "verify", "config", "pretrain"], commands);
    }

    [Theory]
    [InlineData("demo")]
    [InlineData("train")]
    [InlineData("quantize")]
    [InlineData("evaluate")]
    [InlineData("generate")]
    [InlineData("export")]
    [InlineData("inspect")]
    [InlineData("verify")]
    [InlineData("config")]
    [InlineData("pretrain")]
    public void Every_command_has_help_with_the_common_options(string command)
    {
        (int exitCode, string output, _) = FakeTerminal.Run(command, "--help");

        Assert.Equal(0, exitCode);
        Assert.All(["--json", "--quiet", "--seed <N>", "--threads <N>"], option => Assert.Contains(option, output, StringComparison.Ordinal));
    }

    [Fact]
    public void An_unknown_command_is_a_usage_error()
    {
        (int exitCode, string output, string error) = FakeTerminal.Run("frobnicate");

        Assert.Equal(1, exitCode);
        Assert.Equal("", output);
        Assert.StartsWith("error: ", error, StringComparison.Ordinal);
        Assert.EndsWith("\nRun 'pique --help' for usage.\n", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("train")]
    [InlineData("train", "--config", "piq3")]
    [InlineData("train", "recipe.json", "--config", "piq3")]
    public void Train_wants_a_recipe_or_all_three_of_config_model_and_data(params string[] arguments)
    {
        (int exitCode, string output, string error) = FakeTerminal.Run(arguments);

        Assert.Equal((1, ""), (exitCode, output));
        Assert.Equal("error: train takes either a RECIPE, or --config, --model and --data together.\nRun 'pique train --help' for usage.\n", error);
    }

    [Fact]
    public void A_missing_option_is_a_usage_error()
    {
        (int exitCode, string output, string error) = FakeTerminal.Run("generate", "model");

        Assert.Equal((1, ""), (exitCode, output));
        Assert.Equal("error: Option '--prompt' is required.\nRun 'pique generate --help' for usage.\n", error);
    }

    [Fact]
    public void Zero_threads_are_a_usage_error()
    {
        (int exitCode, _, string error) = FakeTerminal.Run("config", "show", "piq3", "--threads", "0");

        Assert.Equal(1, exitCode);
        Assert.Equal("error: --threads: found 0, expected 1 or more.\nRun 'pique config show --help' for usage.\n", error);
    }
}
