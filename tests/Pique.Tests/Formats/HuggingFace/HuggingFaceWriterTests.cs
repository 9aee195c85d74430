using System.Text.Json.Nodes;
using Pique.Configuration;
using Pique.Formats;
using Pique.Formats.HuggingFace;
using Pique.Formats.Safetensors;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using static TorchSharp.torch;

namespace Pique.Tests.Formats.HuggingFace;

public sealed class HuggingFaceWriterTests : IDisposable
{
    private static readonly TinyLlama.Tokenizer Tokenizer = new();

    private readonly TemporaryFolder _temporary = new();

    private string Folder => _temporary.File("model");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Float32_comes_back_bit_for_bit(bool tied)
    {
        LlamaConfig config = (tied ? TinyLlama.Tied : TinyLlama.Untied) with { RmsNormEpsilon = 3e-7f, RopeTheta = 123456.7f };
        using LlamaModel model = TinyLlama.Create(config);

        HuggingFaceWriter.Save(Folder, model, Tokenizer, [], SafetensorsDtype.F32);

        (LlamaModel loaded, ModelFormat format, _) = ModelLoader.LoadWeights(Folder);
        using (loaded)
        {
            Assert.Equal(ModelFormat.HuggingFace, format);
            Assert.Equal(config, loaded.Config);
            Assert.Equal(ModelDigest.Compute(model), ModelDigest.Compute(loaded));
        }
    }

    [Fact]
    public void Bfloat16_comes_back_rounded_as_torch_rounds()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Untied);

        HuggingFaceWriter.Save(Folder, model, Tokenizer, []);

        TinyLlama.RoundToBFloat16(model);
        (LlamaModel loaded, _, _) = ModelLoader.LoadWeights(Folder);
        using (loaded)
            Assert.Equal(ModelDigest.Compute(model), ModelDigest.Compute(loaded));
    }

    [Fact]
    public void Equal_models_give_equal_bytes()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Untied);
        HuggingFaceWriter.Save(Folder, model, Tokenizer, []);
        HuggingFaceWriter.Save(_temporary.File("again"), model, Tokenizer, []);

        foreach (string name in (string[])["config.json", "model.safetensors"])
            Assert.Equal(File.ReadAllBytes(Path.Combine(Folder, name)), File.ReadAllBytes(Path.Combine(_temporary.File("again"), name)));
    }

    [Fact]
    public void The_configuration_is_golden()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Tied);

        HuggingFaceWriter.Save(Folder, model, Tokenizer, []);

        Assert.Equal(
            """
            {
              "architectures": [
                "LlamaForCausalLM"
              ],
              "attention_bias": false,
              "bos_token_id": 1,
              "eos_token_id": null,
              "head_dim": 4,
              "hidden_act": "silu",
              "hidden_size": 16,
              "intermediate_size": 20,
              "max_position_embeddings": 12,
              "mlp_bias": false,
              "model_type": "llama",
              "num_attention_heads": 4,
              "num_hidden_layers": 2,
              "num_key_value_heads": 2,
              "rms_norm_eps": 1E-05,
              "rope_scaling": null,
              "rope_theta": 10000,
              "tie_word_embeddings": true,
              "torch_dtype": "bfloat16",
              "vocab_size": 24
            }

            """,
            File.ReadAllText(Path.Combine(Folder, "config.json")));
    }

    [Fact]
    public void Tokenizer_files_are_copied_under_the_names_others_expect()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Tied);
        File.WriteAllText(_temporary.File("tok512.model"), "pieces");
        File.WriteAllText(_temporary.File("special_tokens_map.json"), "{}");

        HuggingFaceWriter.Save(Folder, model, Tokenizer, [_temporary.File("tok512.model"), _temporary.File("special_tokens_map.json")]);

        Assert.Equal("pieces", File.ReadAllText(Path.Combine(Folder, "tokenizer.model")));
        Assert.Equal("{}", File.ReadAllText(Path.Combine(Folder, "special_tokens_map.json")));
        Assert.Equal(4, Directory.GetFiles(Folder).Length);
    }

    [Fact]
    public void A_model_may_be_saved_over_the_folder_its_tokenizer_comes_from()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Tied);
        using LlamaModel other = TinyLlama.Create(TinyLlama.Tied, seed: 2);
        File.WriteAllText(_temporary.File("tokenizer.json"), "{}");
        HuggingFaceWriter.Save(Folder, model, Tokenizer, [_temporary.File("tokenizer.json")], SafetensorsDtype.F32);

        HuggingFaceWriter.Save(Folder, other, Tokenizer, [Path.Combine(Folder, "tokenizer.json")], SafetensorsDtype.F32);

        (LlamaModel loaded, _, _) = ModelLoader.LoadWeights(Folder);
        using (loaded)
            Assert.Equal(ModelDigest.Compute(other), ModelDigest.Compute(loaded));
        Assert.Equal("{}", File.ReadAllText(Path.Combine(Folder, "tokenizer.json")));
        Assert.Equal([Folder], Directory.GetDirectories(_temporary.Path));
    }

    [Fact]
    public void A_folder_with_other_files_is_not_replaced()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Tied);
        Directory.CreateDirectory(Folder);
        File.WriteAllText(Path.Combine(Folder, "thesis.txt"), "years of work");

        InputException failure = Assert.Throws<InputException>(() => HuggingFaceWriter.Save(Folder, model, Tokenizer, []));

        Assert.Equal($"{Folder}: holds thesis.txt, which replacing the folder would delete; choose an empty or new folder", failure.Message);
        Assert.Equal("years of work", File.ReadAllText(Path.Combine(Folder, "thesis.txt")));
    }

    [Fact]
    public void A_diverged_model_is_not_written()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Tied);
        using (no_grad())
            model.get_parameter("model.layers.1.mlp.up_proj.weight")![2, 3].fill_(float.NaN);

        RunFailedException failure = Assert.Throws<RunFailedException>(() => HuggingFaceWriter.Save(Folder, model, Tokenizer, []));

        Assert.Equal("model.layers.1.mlp.up_proj.weight: holds NaN at [2, 3], expected finite weights; the training diverged, lower its learning rate", failure.Message);
        Assert.Empty(Directory.GetFileSystemEntries(_temporary.Path));
    }

    [Fact]
    public void Packed_weights_come_back_equal_in_codes_and_values()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Untied);
        Dictionary<string, QuantizedTensor> quantized = Quantize(model);

        HuggingFaceWriter.SavePacked(Folder, model, quantized, Tokenizer, []);

        (LlamaModel loaded, ModelFormat format, IReadOnlyDictionary<string, QuantizedTensor> read) = ModelLoader.LoadWeights(Folder);
        using (loaded)
        {
            Assert.Equal(ModelFormat.Packed, format);
            Assert.Equal(quantized.Keys.Order(), read.Keys.Order());
            Dictionary<string, float[]> original = TinyLlama.Values(model);
            Dictionary<string, float[]> values = TinyLlama.Values(loaded);
            foreach ((string name, float[] expected) in original)
            {
                string layer = name[..^".weight".Length];
                if (!quantized.TryGetValue(layer, out QuantizedTensor? tensor))
                {
                    Assert.Equal(expected, values[name]);
                    continue;
                }

                Assert.Equal(tensor.DequantizeToArray(), values[name]);
                Assert.Equal(tensor.PackedCodes.ToArray(), read[layer].PackedCodes.ToArray());
                Assert.Equal(tensor.Scales.ToArray(), read[layer].Scales.ToArray());
                Assert.Equal(tensor.ZeroPoints?.ToArray(), read[layer].ZeroPoints?.ToArray());
                Assert.Equal((tensor.Bits, tensor.Granularity, tensor.PiK), (read[layer].Bits, read[layer].Granularity, read[layer].PiK));
            }
        }
    }

    [Theory]
    [InlineData("bits", "7", "quantization_config.layers.lm_head.bits: found 7, expected 2, 3, 4, 5 or 8; write the model again with this version of Pique.")]
    [InlineData("granularity", "\"PerRow\"", "quantization_config.layers.lm_head.granularity: found \"PerRow\", expected \"PerTensor\", \"PerChannel\", \"PerToken\" or \"PerBlock\"; write the model again with this version of Pique.")]
    [InlineData("bits", "3", null)]
    [InlineData("symmetric", "true", null)]
    [InlineData("granularity", "\"PerTensor\"", null)]
    public void A_packed_folder_that_contradicts_itself_is_refused(string key, string json, string? expected)
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Untied);
        HuggingFaceWriter.SavePacked(Folder, model, Quantize(model), Tokenizer, []);
        string path = Path.Combine(Folder, "config.json");
        JsonNode config = JsonNode.Parse(File.ReadAllText(path))!;
        config["quantization_config"]!["layers"]!["lm_head"]![key] = JsonNode.Parse(json);
        File.WriteAllText(path, config.ToJsonString());

        InputException failure = Assert.ThrowsAny<InputException>(() => ModelLoader.LoadWeights(Folder));

        if (expected is not null)
            Assert.Equal($"{path}: {expected}", failure.Message);
        else
            Assert.Contains("lm_head.weight.", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_packed_folder_reloads_to_the_same_bytes()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Untied);
        ModelProvenance provenance = new() { Version = "0.1.0", Configuration = QatConfig.PiQ3, SourceDigest = new string('a', 64), CalibrationDigest = new string('b', 64), RotationSeed = 7 };
        HuggingFaceWriter.SavePacked(Folder, model, Quantize(model), Tokenizer, [], provenance);

        ModelLoader.LoadedWeights loaded = ModelLoader.LoadWeights(Folder);
        using LlamaModel reloaded = loaded.Model;
        HuggingFaceWriter.SavePacked(_temporary.File("again"), reloaded, loaded.Quantized, Tokenizer, [], loaded.Provenance);

        Assert.Equal(File.ReadAllText(Path.Combine(Folder, "config.json")), File.ReadAllText(_temporary.File("again/config.json")));
        Assert.Equal(File.ReadAllBytes(Path.Combine(Folder, "model.safetensors")), File.ReadAllBytes(_temporary.File("again/model.safetensors")));
    }

    [Fact]
    public void A_model_that_other_software_quantized_is_refused()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Untied);
        HuggingFaceWriter.Save(Folder, model, Tokenizer, []);
        string path = Path.Combine(Folder, "config.json");
        JsonNode config = JsonNode.Parse(File.ReadAllText(path))!;
        config["quantization_config"] = JsonNode.Parse("""{"quant_method":"gptq","bits":4}""");
        File.WriteAllText(path, config.ToJsonString());

        ConfigurationException failure = Assert.Throws<ConfigurationException>(() => ModelLoader.LoadWeights(Folder));

        Assert.Equal($"{path}: quantization_config.quant_method: found \"gptq\", expected \"pique\"; Pique reads no model that other software quantized; use its full-precision original.", failure.Message);
    }

    public void Dispose() => _temporary.Dispose();

    /// <summary>Every quantizable layer, the first at 8 bits per block with zero points, the others on grids that take turns.</summary>
    private static Dictionary<string, QuantizedTensor> Quantize(LlamaModel model)
    {
        (int Bits, QuantGranularity Granularity, bool Symmetric, int? PiK)[] grids =
        [
            (8, new QuantGranularity.PerBlock(6), false, null),
            (3, new QuantGranularity.PerChannel(), true, 4),
            (2, new QuantGranularity.PerTensor(), true, null),
            (5, new QuantGranularity.PerToken(), false, null),
            (4, new QuantGranularity.PerBlock(32), true, null),
        ];
        Random random = new(3);
        Dictionary<string, QuantizedTensor> quantized = [];
        foreach ((string name, IQuantizableLayer layer) in model.QuantizableLayers)
        {
            (int bits, QuantGranularity granularity, bool symmetric, int? piK) = grids[quantized.Count % grids.Length];
            (long rows, long columns) = (layer.Weight.shape[0], layer.Weight.shape[1]);
            long groupCount = GroupLayout.For(granularity, rows, columns).GroupCount;
            int rowBytes = (int)BitPacking.RowBytes(columns, bits);
            byte[] packed = new byte[rows * rowBytes];
            for (int row = 0; row < rows; row++)
                BitPacking.PackRow([.. Enumerable.Range(0, (int)columns).Select(_ => (byte)random.Next(1 << bits))], bits, packed.AsSpan(row * rowBytes, rowBytes));
            Half[] scales = [.. Enumerable.Range(0, (int)groupCount).Select(_ => (Half)(0.01 + random.NextDouble()))];
            byte[]? zeroPoints = symmetric ? null : [.. Enumerable.Range(0, (int)groupCount).Select(_ => (byte)random.Next(1 << bits))];
            quantized.Add(name, new QuantizedTensor(rows, columns, new CodeGrid(bits, symmetric ? GridKind.TwosComplement : GridKind.Affine), granularity, packed, scales, zeroPoints, piK: piK));
        }

        return quantized;
    }
}
