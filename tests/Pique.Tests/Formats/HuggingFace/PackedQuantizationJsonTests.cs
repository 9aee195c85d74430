using System.Text.Json.Nodes;
using Pique.Configuration;
using Pique.Formats;
using Pique.Formats.HuggingFace;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Tests.Quantization;

namespace Pique.Tests.Formats.HuggingFace;

public sealed class PackedQuantizationJsonTests : IDisposable
{
    private const string Layer = "model.layers.0.mlp.up_proj";

    private readonly TemporaryFolder _temporary = new();

    private string Folder => _temporary.File("model");

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void Activation_quantizers_come_back_where_the_model_had_them()
    {
        Write();

        (LlamaModel loaded, _, _) = ModelLoader.LoadWeights(Folder);
        using (loaded)
            Assert.All(loaded.QuantizableLayers, entry => Assert.Equal(entry.Name == Layer ? 6 : null, (entry.Layer as QuantizedLinear)?.ActivationQuantizer?.Bits));
    }

    [Theory]
    [InlineData(1, "expected 2 to 16")]
    [InlineData(17, "expected 2 to 16")]
    [InlineData(0, "expected a whole number of at least 1")]
    public void Impossible_activation_bits_are_refused(int bits, string expected)
    {
        Write();
        string path = Path.Combine(Folder, "config.json");
        JsonNode config = JsonNode.Parse(File.ReadAllText(path))!;
        config["quantization_config"]!["layers"]![Layer]!["activation_bits"] = bits;
        File.WriteAllText(path, config.ToJsonString());

        ConfigurationException failure = Assert.Throws<ConfigurationException>(() => ModelLoader.LoadWeights(Folder));

        Assert.StartsWith($"{path}: quantization_config.layers.{Layer}.activation_bits: found {bits}, {expected}; ", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_layer_of_one_level_on_the_usual_grid_is_described_as_ever()
    {
        Write();
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "config.json")))!;
        Assert.Equal(
            """{"quant_method":"pique","format_version":1,"layers":{"model.layers.0.mlp.up_proj":{"bits":4,"granularity":"PerToken","symmetric":true,"activation_bits":6}}}""",
            config["quantization_config"]!.ToJsonString());
    }

    [Theory]
    [InlineData(2, GridKind.HalfInteger, false)]
    [InlineData(2, GridKind.HalfInteger, true)]
    [InlineData(3, GridKind.TwosComplement, true)]
    [InlineData(3, GridKind.Affine, true)]
    public void Other_grids_and_two_level_scales_come_back_bit_for_bit(int bits, GridKind kind, bool twoLevels)
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Tied);
        Dictionary<string, QuantizedTensor> packed = model.QuantizableLayers.ToDictionary(
            entry => entry.Name,
            entry => QuantizedTensorCases.Create(new CodeGrid(bits, kind), new QuantGranularity.PerBlock(16), (int)entry.Layer.Weight.shape[0], (int)entry.Layer.Weight.shape[1], twoLevels));
        HuggingFaceWriter.SavePacked(Folder, model, packed, new TinyLlama.Tokenizer(), []);

        (LlamaModel loaded, _, IReadOnlyDictionary<string, QuantizedTensor>? quantized) = ModelLoader.LoadWeights(Folder);
        using (loaded)
        {
            foreach ((string name, IQuantizableLayer layer) in loaded.QuantizableLayers)
            {
                QuantizedTensorCases.AssertEqual(packed[name], quantized![name]);
                Assert.Equal(QuantizationCases.Bits(packed[name].DequantizeToArray()), QuantizationCases.Bits(layer.Weight));
            }
        }
    }

    private void Write()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Tied);
        WeightQuantizationSpec spec = new(4, new QuantGranularity.PerToken(), new SteVariant.Standard());
        IReadOnlyDictionary<string, QuantizedTensor> packed = ModelQuantizer.RoundToNearest(
            model.QuantizableLayers, name => name == Layer ? spec : null, ScaleMethod.AbsMax, activationBits: 6);
        HuggingFaceWriter.SavePacked(Folder, model, packed, new TinyLlama.Tokenizer(), []);
    }
}
