using System.Text;
using Pique.Configuration;
using Pique.Formats.HuggingFace;
using Pique.Formats.Safetensors;
using Pique.Formats.Verification;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Tests.Formats.Hostile;
using Pique.Tests.Quantization;

namespace Pique.Tests.Formats.Verification;

public sealed class ModelFolderVerifierTests : IDisposable
{
    private const string Layer = "model.layers.1.mlp.down_proj";

    private readonly TemporaryFolder _temporary = new();

    private string Folder => _temporary.File("model");

    private string WeightsPath => Path.Combine(Folder, "model.safetensors");

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_packed_model_as_it_was_written_is_sound()
    {
        SavePacked();

        VerificationReport report = ModelFolderVerifier.Verify(Folder);

        Assert.Equal(("packed model", true, (string?)null), (report.Kind, report.IsSound, report.Fault));
        Assert.Equal(new VerificationItem("config.json", "content", VerificationStatus.NoDigest, "fits the weights, no digest recorded"), report.Items[0]);
        Assert.Equal(new VerificationItem("model.safetensors", "header", VerificationStatus.Ok, "digest matches"), report.Items[1]);
        Assert.Equal(new VerificationItem("tokenizer.json", "content", VerificationStatus.NoDigest, "read, no digest recorded"), report.Items[^1]);
        Assert.Contains(new VerificationItem("model.safetensors", $"{Layer}.weight.codes", VerificationStatus.Ok, "digest matches"), report.Items);
        Assert.Equal("ok: 22 of 24 parts as they were written, structure ok, no digests recorded for the others", report.Summary);
    }

    [Fact]
    public void A_folder_of_other_software_has_no_digests()
    {
        WriteFiles(TinyFolder.Files());

        VerificationReport report = ModelFolderVerifier.Verify(Folder);

        Assert.Equal(("Hugging Face model", "structure ok, no digests recorded", true), (report.Kind, report.Summary, report.IsSound));
    }

    [Theory]
    [InlineData($"{Layer}.weight.codes")]
    [InlineData($"{Layer}.weight.scales")]
    [InlineData("model.norm.weight")]
    public void A_flipped_bit_is_found_in_codes_scales_and_weights(string tensor)
    {
        SavePacked();
        Flip(tensor);

        VerificationReport report = ModelFolderVerifier.Verify(Folder);

        VerificationItem bad = Assert.Single(report.Items, item => item.IsBad);
        Assert.Equal(("model.safetensors", tensor, VerificationStatus.Corrupt), (bad.File, bad.Name, bad.Status));
        Assert.Equal($"{Folder}: 1 of 24 parts bad: model.safetensors: {tensor} ({bad.Detail}); fetch or write it again", report.Fault);
    }

    [Fact]
    public void A_packed_model_cut_short_names_every_tensor_that_is_cut()
    {
        SavePacked();
        byte[] whole = File.ReadAllBytes(WeightsPath);
        string last;
        using (SafetensorsFile file = SafetensorsFile.Open(WeightsPath))
            last = file.Tensors[^1].Name;
        File.WriteAllBytes(WeightsPath, whole[..^1]);

        Assert.Equal([last], ModelFolderVerifier.Verify(Folder).Items.Where(item => item.IsBad).Select(item => item.Name));
    }

    [Fact]
    public void A_configuration_that_does_not_fit_the_weights_is_found()
    {
        SavePacked();
        string path = Path.Combine(Folder, "config.json");
        File.WriteAllText(path, File.ReadAllText(path).Replace("\"bits\": 4", "\"bits\": 3", StringComparison.Ordinal));

        VerificationItem bad = Assert.Single(ModelFolderVerifier.Verify(Folder).Items, item => item.IsBad);

        Assert.Equal(("config.json", "content"), (bad.File, bad.Name));
        Assert.Equal($"{WeightsPath}: tensor \"{Layer}.weight.codes\" is U8 of shape [16, 10], expected U8 of shape [16, 8]; use the config.json and the weights of one model", bad.Detail);
    }

    [Fact]
    public void A_configuration_without_sense_is_found_beside_the_digests()
    {
        SavePacked();
        File.WriteAllText(Path.Combine(Folder, "config.json"), "{}");

        VerificationReport report = ModelFolderVerifier.Verify(Folder);

        VerificationItem bad = Assert.Single(report.Items, item => item.IsBad);
        Assert.Equal("config.json", bad.File);
        Assert.Contains("\n  vocab_size: found nothing, expected a whole number of at least 1; ", bad.Detail, StringComparison.Ordinal);
        Assert.Contains(report.Items, item => item.Name == "model.norm.weight" && item.Status == VerificationStatus.Ok);
    }

    [Fact]
    public void A_scale_of_zero_is_found_although_its_digest_matches()
    {
        WriteFiles(TinyFolder.Packed("\"bits\":4,\"granularity\":\"PerChannel\",\"symmetric\":true", quantization => quantization, Half.Zero, keepUnpacked: false));

        VerificationItem bad = Assert.Single(ModelFolderVerifier.Verify(Folder).Items, item => item.IsBad);

        Assert.Equal($"{WeightsPath}: tensor \"model.layers.0.mlp.up_proj.weight\": Quantized tensor: scale 2 is 0, expected a finite number above zero. Fetch or export the model again.", bad.Detail);
    }

    [Fact]
    public void A_value_that_is_not_finite_is_found()
    {
        WriteFiles(TinyFolder.Files(value: float.NaN));

        Assert.Equal(
            new VerificationItem("model.safetensors", "model.norm.weight", VerificationStatus.NotFinite, "holds NaN at [2]"),
            Assert.Single(ModelFolderVerifier.Verify(Folder).Items, item => item.IsBad));
    }

    [Fact]
    public void A_tokenizer_that_is_missing_damaged_or_too_large_is_found()
    {
        WriteFiles(TinyFolder.Files());
        string path = Path.Combine(Folder, "tokenizer.json");
        File.WriteAllText(path, TinyFolder.Tokenizer.Replace("\"ab\":2", "\"ab\":8", StringComparison.Ordinal));
        Assert.Equal("tokenizer.json: has 9 token ids, config.json 8", Bad());

        File.WriteAllText(path, "{");
        Assert.StartsWith($"tokenizer: {path}: no valid JSON (", Bad(), StringComparison.Ordinal);

        File.Delete(path);
        Assert.Equal("tokenizer: no tokenizer; expected tokenizer.json, tokenizer.model, tok*.model, tok*.bin, tokenizer.gguf. Copy it from the checkpoint's source.", Bad());
    }

    [Fact]
    public void Shards_and_their_index_are_verified()
    {
        WriteShards();
        VerificationReport report = ModelFolderVerifier.Verify(Folder);
        Assert.True(report.IsSound);
        Assert.Equal(new VerificationItem("model.safetensors.index.json", "content", VerificationStatus.NoDigest, "fits the shards, no digest recorded"), report.Items[1]);
        Assert.Equal(["one.safetensors", "two.safetensors"], report.Items.Where(item => item.Name == "header").Select(item => item.File));

        string two = Path.Combine(Folder, "two.safetensors");
        byte[] whole = File.ReadAllBytes(two);
        File.WriteAllBytes(two, whole[..^1]);
        Assert.Equal("two.safetensors: cut short: ends at byte 208 of the data, the file has 207", Bad());

        File.Delete(two);
        Assert.Equal("model.safetensors.index.json: weight_map places \"model.layers.0.self_attn.k_proj.weight\" in two.safetensors, which is not in the folder; fetch the missing shard", Bad());

        File.WriteAllBytes(two, whole);
        File.WriteAllText(Path.Combine(Folder, "model.safetensors.index.json"), """{"weight_map":{"model.norm.weight":"one.safetensors"}}""");
        Assert.Equal("model.safetensors.index.json: weight_map places \"model.norm.weight\" in one.safetensors, which does not hold it; fetch or export the model again", Bad("model.safetensors.index.json"));

        File.Delete(Path.Combine(Folder, "model.safetensors.index.json"));
        Assert.Equal("model.safetensors: is missing, and model.safetensors.index.json too", Bad());
    }

    private string Bad(string? file = null)
    {
        VerificationItem bad = Assert.Single(ModelFolderVerifier.Verify(Folder).Items, item => item.IsBad && (file is null || item.File == file));
        return $"{bad.File}: {bad.Detail}";
    }

    private void SavePacked()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Tied);
        string tokenizer = _temporary.File("tokenizer.json");
        File.WriteAllText(tokenizer, TinyFolder.Tokenizer);
        Dictionary<string, QuantizedTensor> quantized = new()
        {
            [Layer] = QuantizedTensorCases.Create(new CodeGrid(4, GridKind.TwosComplement), new QuantGranularity.PerChannel(), 16, 20),
        };
        HuggingFaceWriter.SavePacked(Folder, model, quantized, new TinyLlama.Tokenizer(), [tokenizer]);
    }

    private void WriteFiles(Dictionary<string, byte[]> files)
    {
        Directory.CreateDirectory(Folder);
        foreach ((string name, byte[] content) in files)
            File.WriteAllBytes(Path.Combine(Folder, name), content);
    }

    /// <summary>The tiny folder with its first six tensors in one shard and the others in another.</summary>
    private void WriteShards()
    {
        WriteFiles(TinyFolder.Files());
        StringBuilder index = new("{\"weight_map\":{");
        using (SafetensorsFile file = SafetensorsFile.Open(WeightsPath))
        {
            string[] names = [.. file.Tensors.Select(tensor => tensor.Name)];
            foreach ((string shard, string[] part) in new[] { ("one", names[..6]), ("two", names[6..]) })
            {
                SafetensorsWriter.Write(Path.Combine(Folder, $"{shard}.safetensors"), part.Select(name => SafetensorsEntry.FromBytes(name, file[name].Dtype, file[name].Shape, file.ReadBytes(name))));
                index.AppendJoin(',', part.Select(name => $"\"{name}\":\"{shard}.safetensors\"")).Append(shard == "one" ? "," : "}}");
            }
        }

        File.Delete(WeightsPath);
        File.WriteAllText(Path.Combine(Folder, "model.safetensors.index.json"), index.ToString());
    }

    private void Flip(string tensor)
    {
        long position;
        using (SafetensorsFile file = SafetensorsFile.Open(WeightsPath))
            position = file.DataStart + file[tensor].Begin;
        byte[] bytes = File.ReadAllBytes(WeightsPath);
        bytes[position] ^= 0x10;
        File.WriteAllBytes(WeightsPath, bytes);
    }
}
