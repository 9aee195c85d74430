using System.Buffers.Binary;
using System.Text.Json.Nodes;
using Pique.Adapters;
using Pique.Configuration;
using Pique.Formats;
using Pique.Formats.Safetensors;
using Pique.Models.Llama;
using Pique.Quantization;
using Pique.Tests.Quantization;
using Pique.Tests.Training;
using static TorchSharp.torch;

namespace Pique.Tests.Adapters;

public sealed class AdapterFolderTests : IDisposable
{
    private const string Query = "base_model.model.model.layers.0.self_attn.q_proj";

    private readonly TemporaryFolder _temporary = new();

    private string Folder => _temporary.File("adapter");

    private string ConfigPath => Path.Combine(Folder, "adapter_config.json");

    private string WeightsPath => Path.Combine(Folder, "adapter_model.safetensors");

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void The_files_are_those_of_peft_and_two_of_our_own()
    {
        using AdaptedTinyRun run = new();
        run.Disturb();
        AdapterFolder.Save(Folder, run.Adapted, "models/base", dropout: 0.05f, rotationSeed: 3);

        Assert.Equal(
            """
            {
              "alpha_pattern": {},
              "auto_mapping": null,
              "base_model_name_or_path": "models/base",
              "bias": "none",
              "fan_in_fan_out": false,
              "inference_mode": true,
              "init_lora_weights": true,
              "layers_pattern": null,
              "layers_to_transform": null,
              "lora_alpha": 8,
              "lora_dropout": 0.05,
              "modules_to_save": null,
              "peft_type": "LORA",
              "r": 4,
              "rank_pattern": {},
              "revision": null,
              "target_modules": [
                "down_proj",
                "gate_proj",
                "k_proj",
                "o_proj",
                "q_proj",
                "up_proj",
                "v_proj"
              ],
              "task_type": "CAUSAL_LM",
              "use_dora": false,
              "use_rslora": false
            }

            """,
            File.ReadAllText(ConfigPath));
        Assert.Equal(
            $$"""
            {
              "format_version": 1,
              "base_sha256": "{{ModelDigest.Compute(run.Model)}}",
              "rotation_seed": 3
            }

            """,
            File.ReadAllText(Path.Combine(Folder, "pique_adapter.json")));
        using SafetensorsFile weights = SafetensorsFile.Open(WeightsPath);
        Assert.Equal("pt", weights.Metadata["format"]);
        Assert.Equal(28, weights.Tensors.Count);
        Assert.Equal([4L, 16L], weights[$"{Query}.lora_A.weight"].Shape);
        Assert.Equal([16L, 4L], weights[$"{Query}.lora_B.weight"].Shape);
        Assert.Equal(run.Adapted.Adapters[0].Adapter.B.data<float>().ToArray(), weights.ReadFloat32($"{Query}.lora_B.weight"));
        using SafetensorsFile quantizers = SafetensorsFile.Open(Path.Combine(Folder, "pique_quantizers.safetensors"));
        Assert.Equal(14, quantizers.Tensors.Count);
        Assert.Equal([16L, 1L], quantizers["model.layers.0.self_attn.q_proj.scale"].Shape);
        Assert.Equal(4, Directory.GetFiles(Folder).Length);
    }

    [Fact]
    public void What_was_saved_merges_to_the_same_bits_on_the_base_loaded_anew()
    {
        using AdaptedTinyRun run = new();
        run.Disturb();
        using (no_grad())
        {
            foreach (IQuantizableLayer layer in run.Model.QuantizableLayers.Select(entry => entry.Layer).Where(layer => layer.WeightQuantizer is not null))
                layer.WeightQuantizer!.LearnedParameter!.mul_(1.01f);
        }

        AdapterFolder.Save(Folder, run.Adapted, "base");
        IReadOnlyDictionary<string, QuantizedTensor> expected = run.Adapted.Merge();

        using LlamaModel source = TinyRun.Model();
        using LlamaModel model = FrozenLlama.Of(source, FrozenStorage.Bfloat16);
        using AdaptedModel loaded = AdapterFolder.Load(Folder, model);
        AdaptedTinyRun.Prepare(model);
        AdapterFolder.RestoreQuantizers(Folder, model);
        IReadOnlyDictionary<string, QuantizedTensor> actual = loaded.Merge();

        Assert.Equal((4, 8f), (loaded.Rank, loaded.Alpha));
        Assert.Equal(run.Adapted.Adapters.Select(entry => entry.Name), loaded.Adapters.Select(entry => entry.Name));
        Assert.Equal(expected.Keys, actual.Keys);
        Assert.All(expected, entry => Assert.Equal(QuantizationCases.Bits(entry.Value.DequantizeToArray()), QuantizationCases.Bits(actual[entry.Key].DequantizeToArray())));
    }

    [Fact]
    public void Names_of_some_layers_only_are_written_whole()
    {
        using AdaptedTinyRun run = new(AdaptedTinyRun.Recipe() with { TargetModules = new LoraTargets.Named(["v_proj", "model.layers.1.self_attn.q_proj"]) });
        AdapterFolder.Save(Folder, run.Adapted, "base");

        Assert.Equal(
            ["model.layers.1.self_attn.q_proj", "v_proj"],
            JsonNode.Parse(File.ReadAllText(ConfigPath))!["target_modules"]!.AsArray().Select(name => name!.GetValue<string>()));
    }

    [Fact]
    public void An_adapter_that_peft_trained_is_read_in_its_own_dtype()
    {
        Directory.CreateDirectory(Folder);
        File.WriteAllText(ConfigPath, """{"peft_type": "LORA", "r": 2, "lora_alpha": 16, "target_modules": "all-linear", "bias": "none", "rank_pattern": {}, "use_dora": false, "unknown": 1}""");
        byte[] half = new byte[2 * 2 * 16];
        BinaryPrimitives.WriteHalfLittleEndian(half.AsSpan(2), (Half)0.25f);
        SafetensorsWriter.Write(WeightsPath, [
            SafetensorsEntry.FromBytes($"{Query}.lora_A.weight", SafetensorsDtype.F16, [2, 16], half),
            SafetensorsEntry.FromBytes($"{Query}.lora_B.weight", SafetensorsDtype.F16, [16, 2], half)]);

        using AdaptedTinyRun run = new(prepared: false);
        run.Adapted.Dispose();
        using AdaptedModel loaded = AdapterFolder.Load(Folder, run.Model);

        Assert.Equal("model.layers.0.self_attn.q_proj", Assert.Single(loaded.Adapters).Name);
        Assert.Equal(0.25f, loaded.Adapters[0].Adapter.A.data<float>().ToArray()[1]);
        Assert.Equal((2, 16f), (loaded.Rank, loaded.Alpha));
    }

    [Fact]
    public void Another_base_is_refused()
    {
        using AdaptedTinyRun run = new();
        AdapterFolder.Save(Folder, run.Adapted, "base", rotationSeed: 9);
        using LlamaModel source = TinyRun.Model(), otherSource = TinyRun.Model(2);
        using LlamaModel packed = FrozenLlama.Of(source, FrozenStorage.Int8), other = FrozenLlama.Of(otherSource, FrozenStorage.Bfloat16);
        foreach (LlamaModel model in (LlamaModel[])[packed, other])
        {
            Assert.Equal(
                $"{Folder}: the adapter was trained on a base of SHA-256 {ModelDigest.Compute(run.Model)}, this one has {ModelDigest.Compute(model)}; load the model it was trained on, held in the same storage and rotated with seed 9.",
                Refusal(model));
            Assert.All(model.QuantizableLayers, entry => Assert.Null(entry.Layer.Frozen!.Adapter));
        }
    }

    [Fact]
    public void Another_kind_of_adapter_is_refused_with_every_fault()
    {
        using AdaptedTinyRun run = new();
        AdapterFolder.Save(Folder, run.Adapted, "base");
        File.WriteAllText(ConfigPath, """{"peft_type": "IA3", "r": 0, "use_dora": true, "use_rslora": true, "bias": "all", "rank_pattern": {"q_proj": 2}, "modules_to_save": ["lm_head"]}""");

        Assert.Equal(
            string.Join(
                Environment.NewLine,
                $"{ConfigPath}: 8 faults",
                "  peft_type: found \"IA3\", expected \"LORA\"; Pique reads no other kind of adapter.",
                "  r: found 0, expected a whole number of at least 1; save the adapter again as plain LoRA.",
                "  lora_alpha: found nothing, expected a finite number above 0; save the adapter again as plain LoRA.",
                "  use_dora: found true, expected false, or nothing; save the adapter again as plain LoRA.",
                "  use_rslora: found true, expected false, or nothing; save the adapter again as plain LoRA.",
                "  bias: found \"all\", expected \"none\", or nothing; save the adapter again as plain LoRA.",
                "  rank_pattern: found {\"q_proj\":2}, expected none, or nothing; save the adapter again as plain LoRA.",
                "  modules_to_save: found [\"lm_head\"], expected none, or nothing; save the adapter again as plain LoRA."),
            Assert.Throws<ConfigurationException>(() => AdapterFolder.Load(Folder, run.Model)).Message);
    }

    [Theory]
    [InlineData("embedding", "tensor \"base_model.model.model.embed_tokens.lora_embedding_A\" is of no linear layer of the model, expected names as \"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight\"; load the model the adapter was trained on.")]
    [InlineData("layer", "tensor \"base_model.model.model.layers.7.self_attn.q_proj.lora_A.weight\" is of no linear layer of the model, expected names as \"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight\"; load the model the adapter was trained on.")]
    [InlineData("none", "holds no tensor, expected lora_A and lora_B of some layers; save the adapter again.")]
    [InlineData("half", "has no tensor \"base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight\"; check that the file is the right one")]
    [InlineData("shape", "tensor \"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight\" is [4, 15], expected [4, 16] by the model and the rank in adapter_config.json; load the model the adapter was trained on.")]
    [InlineData("infinite", "tensor \"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight\" holds NaN at [0, 3], expected finite values; save the adapter again.")]
    [InlineData("rank", "found rank 40 in adapter_config.json, expected at most 16, the smaller side of model.layers.0.self_attn.q_proj [16, 16]; load the model the adapter was trained on.")]
    public void A_file_that_does_not_fit_is_refused(string fault, string expected)
    {
        using AdaptedTinyRun run = new(prepared: false);
        AdapterFolder.Save(Folder, run.Adapted, "base");
        run.Adapted.Dispose();
        string name = fault switch
        {
            "embedding" => "base_model.model.model.embed_tokens.lora_embedding_A",
            "layer" => "base_model.model.model.layers.7.self_attn.q_proj.lora_A.weight",
            _ => $"{Query}.lora_A.weight",
        };
        float[] values = new float[4 * 16];
        values[3] = fault == "infinite" ? float.NaN : 0;
        long[] shape = fault == "shape" ? [4, 15] : [4, 16];
        byte[] bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan(0, (int)(shape[0] * shape[1]))).ToArray();
        SafetensorsWriter.Write(WeightsPath, fault == "none" ? [] : [SafetensorsEntry.FromBytes(name, SafetensorsDtype.F32, shape, bytes)]);
        if (fault == "rank")
            File.WriteAllText(ConfigPath, File.ReadAllText(ConfigPath).Replace("\"r\": 4", "\"r\": 40", StringComparison.Ordinal));

        Assert.Equal($"{WeightsPath}: {expected}", Refusal(run.Model));
    }

    [Theory]
    [InlineData("""{"format_version": 2, "base_sha256": "00"}""", "found format version 2, expected 1 with a \"base_sha256\"; read it with the version of Pique that wrote it.")]
    [InlineData("""{"format_version": 1}""", "found format version 1, expected 1 with a \"base_sha256\"; read it with the version of Pique that wrote it.")]
    public void An_origin_of_another_form_is_refused(string json, string expected)
    {
        using AdaptedTinyRun run = new();
        AdapterFolder.Save(Folder, run.Adapted, "base");
        string path = Path.Combine(Folder, "pique_adapter.json");
        File.WriteAllText(path, json);

        Assert.Equal($"{path}: {expected}", Refusal(run.Model));
    }

    [Fact]
    public void Quantizers_of_another_recipe_are_refused()
    {
        using AdaptedTinyRun run = new();
        AdapterFolder.Save(Folder, run.Adapted, "base");
        string path = Path.Combine(Folder, "pique_quantizers.safetensors");
        ModelQuantizer.Prepare(run.Model.QuantizableLayers, name => name.EndsWith("q_proj", StringComparison.Ordinal) ? AdaptedTinyRun.Spec : null, Pique.Numerics.ScaleMethod.AbsMax);
        Assert.Equal(
            $"{path}: tensor \"model.layers.0.mlp.down_proj.scale\" is of no quantizer of the model; prepare the model with the recipe the adapter was trained by.",
            Assert.Throws<InputException>(() => AdapterFolder.RestoreQuantizers(Folder, run.Model)).Message);

        ModelQuantizer.Prepare(run.Model.QuantizableLayers, name => name.EndsWith("proj", StringComparison.Ordinal) ? AdaptedTinyRun.Spec with { Granularity = new QuantGranularity.PerBlock(8) } : null, Pique.Numerics.ScaleMethod.AbsMax);
        Assert.Equal(
            $"{path}: tensor \"model.layers.0.self_attn.q_proj.scale\" is [16, 1], expected [16, 2]; prepare the model with the recipe the adapter was trained by.",
            Assert.Throws<InputException>(() => AdapterFolder.RestoreQuantizers(Folder, run.Model)).Message);
    }

    [Fact]
    public void An_adapter_that_diverged_is_not_written()
    {
        using AdaptedTinyRun run = new();
        using (no_grad())
            run.Adapted.Adapters[0].Adapter.B[1, 2] = float.PositiveInfinity;

        Assert.Equal(
            $"{Query}.lora_B.weight: holds Infinity at [1, 2], expected finite values; the training diverged, lower its learning rate.",
            Assert.Throws<RunFailedException>(() => AdapterFolder.Save(Folder, run.Adapted, "base")).Message);
        Assert.False(Directory.Exists(Folder));
    }

    private string Refusal(LlamaModel model) => Assert.Throws<InputException>(() => AdapterFolder.Load(Folder, model)).Message;
}
