namespace Pique.Interop.Tests.Fixture;

/// <summary>Faults of llama.cpp reach the test that meets them, in its words and in time.</summary>
public sealed class LlamaCppScriptTests(LlamaCpp llamaCpp)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);

    [Fact]
    public void A_file_that_is_no_model_fails_in_llama_cpps_words_and_the_script_goes_on()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.File("text.gguf"), "Once upon a time");
        using LlamaCppScript script = llamaCpp.StartScript();

        for (int attempt = 0; attempt < 2; attempt++)
        {
            InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => script.Request("load", Limit, ("path", folder.File("text.gguf"))));
            Assert.StartsWith("llama.cpp: \"load\" failed: ", error.Message, StringComparison.Ordinal);
        }

        Assert.False(script.HasExited);
    }

    [Fact]
    public void An_unknown_command_fails()
    {
        using LlamaCppScript script = llamaCpp.StartScript();

        Assert.StartsWith(
            "llama.cpp: \"sing\" failed: Error: unknown command sing\n",
            Assert.Throws<InvalidOperationException>(() => script.Request("sing", Limit)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_takes_too_long_is_ended()
    {
        using LlamaCppScript script = llamaCpp.StartScript();

        Assert.StartsWith(
            "llama.cpp: \"tokenize\" took longer than 0.001 s.",
            Assert.Throws<TimeoutException>(() => script.Request("tokenize", TimeSpan.FromMilliseconds(1))).Message,
            StringComparison.Ordinal);
        Assert.StartsWith(
            "llama.cpp: the process ended with code 137 while it ran \"tokenize\".",
            Assert.Throws<InvalidOperationException>(() => script.Request("tokenize", Limit)).Message,
            StringComparison.Ordinal);
        Assert.True(script.HasExited);
    }
}
