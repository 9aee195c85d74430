using Pique.Formats.Safetensors;
using Pique.Formats.Verification;
using Pique.Training;

namespace Pique.Tests.Training;

public sealed class CheckpointVerifierTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_checkpoint_as_it_was_written_is_sound()
    {
        string folder = Save();

        VerificationReport report = CheckpointVerifier.Verify(folder);

        Assert.Equal(("checkpoint", "ok: 6 of 6 parts as they were written"), (report.Kind, report.Summary));
        Assert.Equal(
            ["manifest.json/content", "model.safetensors/content", "state.json/content", "model.safetensors/header", "model.safetensors/a", "model.safetensors/b"],
            report.Items.Select(item => $"{item.File}/{item.Name}"));
    }

    [Fact]
    public void Every_flipped_bit_of_every_file_is_found_and_the_tensor_is_named()
    {
        string folder = Save();
        long dataStart;
        using (SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, "model.safetensors")))
            dataStart = file.DataStart;
        foreach (string path in Directory.GetFiles(folder))
        {
            string name = Path.GetFileName(path);
            byte[] whole = File.ReadAllBytes(path);
            for (int position = 0; position < whole.Length; position++)
            {
                byte[] flipped = [.. whole];
                flipped[position] ^= (byte)(1 << (position % 8));
                File.WriteAllBytes(path, flipped);
                VerificationItem[] bad = [.. CheckpointVerifier.Verify(folder).Items.Where(item => item.IsBad)];
                Assert.NotEmpty(bad);
                if (name != "manifest.json")
                    Assert.Equal((name, "content"), (bad[0].File, bad[0].Name));
                if (name == "model.safetensors")
                    Assert.Equal(position < dataStart ? "header" : position < dataStart + 8 ? "a" : "b", bad[1].Name);
            }

            File.WriteAllBytes(path, whole);
        }
    }

    [Fact]
    public void Truncated_missing_and_surplus_files_are_found()
    {
        string folder = Save();
        string model = Path.Combine(folder, "model.safetensors");
        byte[] whole = File.ReadAllBytes(model);
        File.WriteAllBytes(model, whole[..^1]);
        Assert.Equal(
            [$"model.safetensors/content: model.safetensors has {whole.Length - 1} bytes, expected {whole.Length}", "model.safetensors/b: cut short: ends at byte 12 of the data, the file has 11"],
            Bad(folder));

        File.Delete(model);
        Assert.Equal(["model.safetensors/content: model.safetensors is missing"], Bad(folder));

        File.WriteAllBytes(model, whole);
        File.WriteAllText(Path.Combine(folder, "notes.txt"), "mine");
        VerificationReport report = CheckpointVerifier.Verify(folder);
        Assert.True(report.IsSound);
        Assert.Contains(new VerificationItem("notes.txt", "content", VerificationStatus.NoDigest, "is not in manifest.json"), report.Items);

        File.Delete(Path.Combine(folder, "manifest.json"));
        Assert.Equal(["manifest.json/content: manifest.json is missing"], Bad(folder));
    }

    [Theory]
    [InlineData("""{"format_version":1,"files":[null]}""", "manifest.json is not of format version 1")]
    [InlineData("""{"format_version":1,"files":[]}""", "manifest.json is not of format version 1")]
    [InlineData("""{"format_version":2,"files":[{"name":"a"}]}""", "manifest.json is not of format version 1")]
    [InlineData("""null""", "manifest.json is not of format version 1")]
    [InlineData("""{"format_version":1,"files":[{"name":null}]}""", "manifest.json names the file '' outside the checkpoint")]
    [InlineData("""{"format_version":1,"files":[{"name":"../a\u001b"}]}""", "manifest.json names the file '../a\\u001B' outside the checkpoint")]
    [InlineData("""{"format_version":1,"files":[{"name":"a"}]}""", "a is missing")]
    public void A_manifest_made_to_do_harm_is_refused(string manifest, string expected)
    {
        string folder = Save();
        File.WriteAllText(Path.Combine(folder, "manifest.json"), manifest);

        Assert.Equal(expected, CheckpointStore.Fault(folder));
        Assert.Contains(CheckpointVerifier.Verify(folder).Items, item => item.IsBad && item.Detail == expected);
    }

    private static string[] Bad(string folder) =>
        [.. CheckpointVerifier.Verify(folder).Items.Where(item => item.IsBad).Select(item => $"{item.File}/{item.Name}: {item.Detail}")];

    private string Save() => new CheckpointStore(_temporary.Path, keep: 2).Save(7,
    [
        ("model.safetensors", path => SafetensorsWriter.Write(path,
        [
            SafetensorsEntry.FromBytes("a", SafetensorsDtype.F32, [2], new byte[8]),
            SafetensorsEntry.FromBytes("b", SafetensorsDtype.U8, [4], new byte[] { 1, 2, 3, 4 }),
        ])),
        ("state.json", path => File.WriteAllText(path, "{\"step\": 7}")),
    ]);
}
