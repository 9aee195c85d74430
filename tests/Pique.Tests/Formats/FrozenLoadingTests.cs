using Pique.Configuration;
using Pique.Formats;
using Pique.Formats.HuggingFace;
using Pique.Formats.Safetensors;
using Pique.Models.Llama;
using Pique.Models.Rotation;
using Pique.Quantization;
using Pique.Quantization.Frozen;
using Pique.Tests.Pipeline;
using Pique.Tests.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Formats;

public sealed class FrozenLoadingTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_checkpoint_in_bfloat16_is_held_exactly(bool tied)
    {
        string path = Write(model => model with { TieWordEmbeddings = tied }, SafetensorsDtype.BF16);
        using LoadedModel trainable = ModelLoader.Load(path), frozen = ModelLoader.LoadFrozen(path, FrozenStorage.Bfloat16);

        Assert.Equal(trainable.Digest, frozen.Digest);
        Assert.Equal(trainable.Model.QuantizableLayers.Select(entry => entry.Name), frozen.Model.QuantizableLayers.Select(entry => entry.Name));
        Assert.All(frozen.Model.QuantizableLayers, entry => Assert.Equal((DeviceType.META, 2 * entry.Layer.Weight.numel()), (entry.Layer.Weight.device_type, entry.Layer.Frozen!.Base.StoredBytes)));
        Assert.Equal(trainable.Model.parameters().Sum(parameter => parameter.numel()), frozen.Model.parameters().Sum(parameter => parameter.numel()));
        Assert.Equal(QuantizationCases.Bits(Logits(trainable.Model)), QuantizationCases.Bits(Logits(frozen.Model)));
    }

    [Fact]
    public void At_eight_bits_the_model_is_close_and_not_equal()
    {
        string path = Write(model => model, SafetensorsDtype.BF16);
        using LoadedModel trainable = ModelLoader.Load(path), frozen = ModelLoader.LoadFrozen(path, FrozenStorage.Int8);

        Assert.NotEqual(trainable.Digest, frozen.Digest);
        Assert.All(frozen.Model.QuantizableLayers, entry => Assert.IsType<PackedWeight>(entry.Layer.Frozen!.Base));
        double largest = Logits(trainable.Model).Zip(Logits(frozen.Model), (exact, rounded) => Math.Abs((double)exact - rounded)).Max();
        Assert.InRange(largest, 1e-6, 0.05);
    }

    [Fact]
    public void Without_a_storage_nothing_is_rounded_and_what_is_packed_stays_so()
    {
        string path = Write(model => model, SafetensorsDtype.F32);
        using LoadedModel trainable = ModelLoader.Load(path), exact = ModelLoader.LoadFrozen(path, null);
        Assert.Equal(trainable.Digest, exact.Digest);

        WeightQuantizationSpec spec = new(3, new QuantGranularity.PerChannel(), new SteVariant.Standard());
        IReadOnlyDictionary<string, QuantizedTensor> quantized = ModelQuantizer.RoundToNearest(
            trainable.Model.QuantizableLayers, name => name.EndsWith("v_proj", StringComparison.Ordinal) ? null : spec, Pique.Numerics.ScaleMethod.AbsMax);
        string packedPath = _temporary.File("packed");
        HuggingFaceWriter.SavePacked(packedPath, trainable.Model, quantized, trainable.Tokenizer, trainable.TokenizerFiles);
        using LoadedModel dequantized = ModelLoader.Load(packedPath), packed = ModelLoader.LoadFrozen(packedPath, null);

        Assert.Equal(dequantized.Digest, packed.Digest);
        Assert.All(packed.Model.QuantizableLayers, entry => Assert.Equal(quantized.ContainsKey(entry.Name), entry.Layer.Frozen!.Base is PackedWeight));
        Assert.Equal(QuantizationCases.Bits(Logits(dequantized.Model)), QuantizationCases.Bits(Logits(packed.Model)));
        string copy = _temporary.File("copy");
        HuggingFaceWriter.SavePacked(copy, packed.Model, packed.Quantized, packed.Tokenizer, packed.TokenizerFiles);
        Assert.Equal(File.ReadAllBytes(Path.Combine(packedPath, "model.safetensors")), File.ReadAllBytes(Path.Combine(copy, "model.safetensors")));
    }

    [Fact]
    public void A_weight_that_is_not_finite_is_refused_where_it_lies()
    {
        string path = Write(model => model, SafetensorsDtype.F32);
        string weights = Path.Combine(path, "model.safetensors");
        long offset;
        using (SafetensorsFile file = SafetensorsFile.Open(weights))
            offset = new FileInfo(weights).Length - file.Tensors.Sum(tensor => tensor.StoredBytes) + file["model.layers.0.mlp.up_proj.weight"].Begin;
        byte[] bytes = File.ReadAllBytes(weights);
        BitConverter.TryWriteBytes(bytes.AsSpan((int)offset + (4 * ((16 * 3) + 5))), float.NaN);
        File.WriteAllBytes(weights, bytes);

        Assert.Equal(
            $"{path}: tensor \"model.layers.0.mlp.up_proj.weight\" holds NaN at [3, 5], expected finite weights; fetch or export the checkpoint again",
            Assert.Throws<InputException>(() => ModelLoader.LoadFrozen(path, FrozenStorage.Bfloat16)).Message);
    }

    [Fact]
    public void A_rotated_copy_is_rounded_once_to_what_holds_it()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Tied);
        using LlamaModel rotated = IncoherenceRotation.Apply(model, seed: 3);
        using LlamaModel frozen = IncoherenceRotation.Apply(model, seed: 3, storage: FrozenStorage.Bfloat16);
        using LlamaModel expected = FrozenLlama.Of(rotated, FrozenStorage.Bfloat16);

        Assert.Equal(rotated.Config, frozen.Config);
        Assert.Equal(ModelDigest.Compute(expected), ModelDigest.Compute(frozen));
        Assert.All(frozen.parameters(), parameter => Assert.False(parameter.requires_grad));
    }

    [Fact]
    public void A_layer_without_its_frozen_weight_has_no_digest()
    {
        using LlamaModel empty = LlamaModel.WithoutMatrices(TinyLlama.Tied);
        Assert.Equal(
            "model.embed_tokens.weight: has a shape and no values; give its layer a frozen weight.",
            Assert.Throws<InvalidOperationException>(() => ModelDigest.Compute(empty)).Message);
    }

    private string Write(Func<LlamaConfig, LlamaConfig> change, SafetensorsDtype dtype)
    {
        string source = MicroData.WriteModel(_temporary, "source", change: change);
        using LoadedModel model = ModelLoader.Load(source);
        HuggingFaceWriter.Save(_temporary.File("model"), model.Model, model.Tokenizer, model.TokenizerFiles, dtype);
        return _temporary.File("model");
    }

    private static float[] Logits(LlamaModel model)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradient = no_grad();
        return model.forward(tensor(new long[] { 1, 20, 13, 7, 7, 0, 22 }).view(1, -1)).data<float>().ToArray();
    }
}
