using System.Text;
using System.Text.Json;
using Pique.Formats.Gguf;

namespace Pique.Cli.Tests.Commands;

public sealed class VerifyCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_sound_file_is_shown_part_by_part()
    {
        string path = WriteGguf();

        (int exitCode, string output, string error) = FakeTerminal.Run("verify", path);

        Assert.Equal((0, ""), (exitCode, error));
        Assert.Equal(
            $"""
            path    {path}
            kind    GGUF file
            result  ok: 3 of 3 parts as they were written

              file     part                status   detail
            ────────────────────────────────────────────────────────
              a.gguf   header              ok       digest matches
              a.gguf   token_embd.weight   ok       digest matches
              a.gguf   output.weight       ok       digest matches


            """,
            output);
    }

    [Fact]
    public void A_flipped_bit_ends_in_exit_code_2_and_the_name_of_the_tensor()
    {
        string path = WriteGguf();
        Flip(path);

        (int exitCode, string output, string error) = FakeTerminal.Run("verify", path);

        Assert.Equal(2, exitCode);
        Assert.Contains("result  1 of 3 parts bad\n", output, StringComparison.Ordinal);
        Assert.Matches(@"a\.gguf +output\.weight +corrupt +digest differs: found [0-9a-f]{12}…, recorded 6db65fd59fd3…\n", output);
        Assert.Matches(
            $"^error: {path}: 1 of 3 parts bad: a\\.gguf: output\\.weight \\(digest differs: found [0-9a-f]{{12}}…, recorded 6db65fd59fd3…\\); fetch or write it again\n$",
            error);
    }

    [Fact]
    public void Json_lists_every_part_whatever_is_found()
    {
        string path = WriteGguf();
        (int soundCode, string sound, _) = FakeTerminal.Run("verify", path, "--json");
        Flip(path);
        (int badCode, string bad, string error) = FakeTerminal.Run("verify", path, "--json");

        Assert.Equal((0, 2), (soundCode, badCode));
        Assert.StartsWith("error: ", error, StringComparison.Ordinal);
        using JsonDocument first = JsonDocument.Parse(sound);
        using JsonDocument second = JsonDocument.Parse(bad);
        Assert.Equal(["path", "kind", "sound", "summary", "parts"], first.RootElement.EnumerateObject().Select(field => field.Name));
        Assert.Equal((true, false), (first.RootElement.GetProperty("sound").GetBoolean(), second.RootElement.GetProperty("sound").GetBoolean()));
        Assert.Equal(
            ["""{"file":"a.gguf","part":"header","status":"ok","detail":"digest matches"}"""],
            second.RootElement.GetProperty("parts").EnumerateArray().Take(1).Select(part => JsonSerializer.Serialize(part)));
        Assert.Equal(["ok", "ok", "corrupt"], second.RootElement.GetProperty("parts").EnumerateArray().Select(part => part.GetProperty("status").GetString()));
    }

    [Fact]
    public void A_model_folder_is_verified_as_it_was_saved_and_quantized()
    {
        string model = TinyModel.Save(_folder.Of("model"));
        string packed = _folder.Of("packed");
        Assert.Equal(0, FakeTerminal.Run("quantize", model, "--config", "piq3", "--out", packed, "--quiet").ExitCode);

        Assert.Equal((0, "Hugging Face model"), Kind(model));
        Assert.Equal((0, "packed model"), Kind(packed));

        string weights = Path.Combine(packed, "model.safetensors");
        using (FileStream stream = File.OpenWrite(weights))
            stream.SetLength(stream.Length - 1);
        (int exitCode, string output, string error) = FakeTerminal.Run("verify", packed);
        Assert.Equal(2, exitCode);
        Assert.Matches(@"model\.safetensors +model\.layers\.\S+ +corrupt +cut short: ends at byte \d+ of the data, the file has \d+\n", output);
        Assert.Matches(@"^error: \S+: 1 of \d+ parts bad: model\.safetensors: model\.layers\.\S+ \(cut short: ", error);
    }

    [Fact]
    public void A_file_of_other_software_is_sound_without_digests()
    {
        string path = _folder.Of("a.safetensors");
        byte[] header = Encoding.UTF8.GetBytes("""{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""");
        File.WriteAllBytes(path, [.. BitConverter.GetBytes((ulong)header.Length), .. header, 0, 0, 0, 0]);

        (int exitCode, string output, string error) = FakeTerminal.Run("verify", path);

        Assert.Equal((0, ""), (exitCode, error));
        Assert.Contains("result  structure ok, no digests recorded\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_path_that_leads_nowhere_is_refused()
    {
        (int exitCode, string output, string error) = FakeTerminal.Run("verify", _folder.Of("absent"));

        Assert.Equal((2, ""), (exitCode, output));
        Assert.Equal($"error: {_folder.Of("absent")}: no such file or folder; check the path\n", error);
    }

    /// <summary>SHA-256 of 36 zero bytes, the last tensor, begins with 6db65fd59fd3.</summary>
    private string WriteGguf()
    {
        string path = _folder.Of("a.gguf");
        GgufWriter.Write(path, new GgufMetadata(),
        [
            new("token_embd.weight", [2, 4], GgufTensorType.F32, stream => stream.Write(new byte[32])),
            new("output.weight", [2, 32], GgufTensorType.Q4_0, stream => stream.Write(new byte[36])),
        ]);
        return path;
    }

    private static void Flip(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^40] ^= 1; // The last tensor ends 28 bytes before the file does.
        File.WriteAllBytes(path, bytes);
    }

    private static (int ExitCode, string Kind) Kind(string path)
    {
        (int exitCode, string output, _) = FakeTerminal.Run("verify", path, "--json");
        using JsonDocument document = JsonDocument.Parse(output);
        return (exitCode, document.RootElement.GetProperty("kind").GetString()!);
    }
}
