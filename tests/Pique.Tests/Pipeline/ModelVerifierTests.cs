using Pique.Formats.Gguf;
using Pique.Formats.Safetensors;
using Pique.Formats.Verification;
using Pique.Pipeline;

namespace Pique.Tests.Pipeline;

public sealed class ModelVerifierTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_run_is_verified_with_its_model_exports_and_checkpoints()
    {
        string run = _temporary.File("run");
        new QatPipeline(TimeProvider.System).Run(MicroData.Recipe(_temporary), run, resume: false, TestContext.Current.CancellationToken);
        GgufWriter.Write(Path.Combine(run, "model.gguf"), new GgufMetadata(), []);

        VerificationReport report = ModelVerifier.Verify(run);

        Assert.Equal(("run", true), (report.Kind, report.IsSound));
        Assert.Equal(
            ["recipe.json", "calibration.json", "model/config.json", "model/model.safetensors", "model/tokenizer.json", "model.gguf", "checkpoints/step-000004/manifest.json"],
            report.Items.Select(item => item.File).Distinct().Take(7));
        Assert.Contains(report.Items, item => item.File.StartsWith("checkpoints/step-000002/", StringComparison.Ordinal));
        Assert.Equal("model", ModelVerifierKind(Path.Combine(run, "model")));
        Assert.Equal("checkpoint", ModelVerifierKind(Path.Combine(run, "checkpoints", "step-000004")));

        string optimizer = Path.Combine(run, "checkpoints", "step-000004", "optimizer.safetensors");
        byte[] bytes = File.ReadAllBytes(optimizer);
        bytes[^1] ^= 0x80;
        File.WriteAllBytes(optimizer, bytes);
        File.WriteAllText(Path.Combine(run, "calibration.json"), "{}");
        VerificationItem[] bad = [.. ModelVerifier.Verify(run).Items.Where(item => item.IsBad)];
        Assert.Equal(["calibration.json", "checkpoints/step-000004/optimizer.safetensors", "checkpoints/step-000004/optimizer.safetensors"], bad.Select(item => item.File));
        Assert.StartsWith("second_moment.", bad[2].Name, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_are_told_apart_by_their_endings()
    {
        GgufWriter.Write(_temporary.File("a.GGUF"), new GgufMetadata(), []);
        SafetensorsWriter.Write(_temporary.File("b.safetensors"), []);

        Assert.Equal(("GGUF file", "ok: 1 of 1 parts as they were written"), Of("a.GGUF"));
        Assert.Equal(("safetensors file", "ok: 1 of 1 parts as they were written"), Of("b.safetensors"));

        (string, string) Of(string file) => (ModelVerifier.Verify(_temporary.File(file)).Kind, ModelVerifier.Verify(_temporary.File(file)).Summary);
    }

    [Fact]
    public void What_cannot_be_verified_is_refused()
    {
        const string Known = "found nothing to verify, expected a .gguf or .safetensors file, or the folder of a model, a checkpoint or a run; name one of these";
        File.WriteAllText(_temporary.File("a.txt"), "text");

        Assert.Equal($"{_temporary.File("b")}: no such file or folder; check the path", Refusal(_temporary.File("b")));
        Assert.Equal($"{_temporary.File("a.txt")}: {Known}", Refusal(_temporary.File("a.txt")));
        Assert.Equal($"{_temporary.Path}: {Known}", Refusal(_temporary.Path));

        static string Refusal(string path) => Assert.Throws<InputException>(() => ModelVerifier.Verify(path)).Message;
    }

    [Fact]
    public void A_checkpoint_without_its_manifest_is_known_by_its_name()
    {
        string folder = Directory.CreateDirectory(_temporary.File("step-000001")).FullName;

        Assert.Equal(
            $"{folder}: 1 of 1 parts bad: manifest.json: content (manifest.json is missing); fetch or write it again",
            ModelVerifier.Verify(folder).Fault);
    }

    [Fact]
    public void A_fault_names_twenty_parts_and_counts_the_others()
    {
        VerificationReport report = new("p", "k", [.. Enumerable.Range(0, 30).Select(index => new VerificationItem("f", $"t{index}\u001b", VerificationStatus.Corrupt, "cut short"))]);

        Assert.Equal($"p: 30 of 30 parts bad: {string.Join(", ", Enumerable.Range(0, 20).Select(index => $"f: t{index}\\u001B (cut short)"))} and 10 more; fetch or write it again", report.Fault);
    }

    private static string ModelVerifierKind(string path) => ModelVerifier.Verify(path).Kind.Split(' ')[^1];
}
