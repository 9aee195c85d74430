using System.Text.Json;

namespace Pique.Cli.Tests.Commands;

public class PretrainCommandTests
{
    [Fact]
    public void Pretrain_makes_a_model_that_generates()
    {
        using TemporaryFolder folder = new();
        folder.Write("data.txt", TinyModel.Texts);
        string recipe = folder.Write("pretrain.json", """
            {"architecture": {"hidden_size": 16, "intermediate_size": 24, "layers": 1, "heads": 2, "key_value_heads": 1, "context_tokens": 64},
             "tokenizer": {"vocabulary_size": 300},
             "data": {"files": [{"path": "data.txt"}], "held_out_share": 0.2, "context_tokens": 64},
             "training": {"batch_tokens": 256}}
            """);

        (int exitCode, string output, string error) = FakeTerminal.Run("pretrain", recipe, "--out", folder.Of("run"), "--json", "--quiet");

        Assert.Equal((0, ""), (exitCode, error));
        using JsonDocument document = JsonDocument.Parse(output);
        Assert.Equal("pretrained", document.RootElement.GetProperty("rows")[0].GetProperty("name").GetString());
        string model = document.RootElement.GetProperty("model").GetString()!;
        Assert.Equal(0, FakeTerminal.Run("generate", model, "--prompt", "The", "--max-tokens", "3").ExitCode);
    }
}
