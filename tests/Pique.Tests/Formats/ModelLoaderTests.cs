using Pique.Formats;
using Pique.Formats.HuggingFace;
using Pique.Formats.Safetensors;
using static TorchSharp.torch;

namespace Pique.Tests.Formats;

public sealed class ModelLoaderTests : IDisposable
{
    private const string Story = "Once upon a time, there was a little girl named Lily. She loved to play outside in the park.";

    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void A_path_that_leads_nowhere_is_refused()
    {
        Assert.Equal(
            $"{_folder.File("absent")}: no such file or folder; name a Hugging Face model folder, a .gguf file or a llama2.c .bin file",
            Assert.Throws<InputException>(() => ModelLoader.Load(_folder.File("absent"))).Message);
        Assert.Equal(
            $"{_folder.Path}: has no config.json; name a Hugging Face model folder, a .gguf file or a llama2.c .bin file",
            Assert.Throws<InputException>(() => ModelLoader.Load(_folder.Path)).Message);
        File.WriteAllText(_folder.File("model.pt"), "");
        Assert.Equal(
            $"{_folder.File("model.pt")}: is no model that Pique reads; name a Hugging Face model folder, a .gguf file or a llama2.c .bin file",
            Assert.Throws<InputException>(() => ModelLoader.Load(_folder.File("model.pt"))).Message);
    }

    [Fact]
    public void A_model_without_a_tokenizer_is_refused()
    {
        using Pique.Models.Llama.LlamaModel model = TinyLlama.Create(TinyLlama.Tied);
        HuggingFaceWriter.Save(_folder.File("model"), model, new TinyLlama.Tokenizer(), []);

        Assert.StartsWith(
            $"{_folder.File("model")}: no tokenizer",
            Assert.Throws<InputException>(() => ModelLoader.Load(_folder.File("model"))).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("models/stories260K/stories260K.bin", ModelFormat.Llama2C, 0.1, 2.0)]
    [InlineData("models/TinyStories-656K", ModelFormat.HuggingFace, 3.9692, 3.9694)]
    public void A_trained_checkpoint_predicts_a_story(string name, ModelFormat format, double lowestNats, double highestNats)
    {
        using LoadedModel loaded = ModelLoader.Load(SharedData.PathOrSkip(name));

        Assert.Equal(format, loaded.Format);
        Assert.Empty(loaded.Quantized);
        Assert.Equal(64, loaded.Digest.Length);

        // 3.969306 is a plain double-precision forward pass over the same 13 tokens (this vocabulary merges across words); an untrained model is at ln(vocabulary), 6.2 and 7.6.
        Assert.InRange(MeanLossNats(loaded), lowestNats, highestNats);
    }

    [Theory]
    [InlineData("models/stories260K/stories260K.bin")]
    [InlineData("models/TinyStories-656K")]
    public void A_trained_checkpoint_survives_saving(string name)
    {
        using LoadedModel original = ModelLoader.Load(SharedData.PathOrSkip(name));
        HuggingFaceWriter.Save(_folder.File("copy"), original.Model, original.Tokenizer, original.TokenizerFiles, SafetensorsDtype.F32);

        using LoadedModel copy = ModelLoader.Load(_folder.File("copy"));

        Assert.Equal(original.Digest, copy.Digest);
        Assert.Equal(original.Model.Config, copy.Model.Config);
        Assert.Equal(original.Tokenizer.Encode(Story), copy.Tokenizer.Encode(Story));
        Assert.Equal(original.Tokenizer.BeginOfTextId, copy.Tokenizer.BeginOfTextId);
    }

    [Fact]
    public void A_tokenizer_with_more_ids_than_the_model_is_refused()
    {
        string source = SharedData.PathOrSkip("models/TinyStories-656K");
        using Pique.Models.Llama.LlamaModel model = TinyLlama.Create(TinyLlama.Tied);
        string folder = _folder.File("model");
        HuggingFaceWriter.Save(folder, model, new TinyLlama.Tokenizer(), [Path.Combine(source, "tokenizer.json")]);

        Assert.Equal(
            $"{folder}: the tokenizer ({Path.Combine(folder, "tokenizer.json")}) has 2048 token ids, the model 24; use the tokenizer the model was trained with",
            Assert.Throws<InputException>(() => ModelLoader.Load(folder)).Message);
    }

    public void Dispose() => _folder.Dispose();

    private static double MeanLossNats(LoadedModel loaded)
    {
        using IDisposable noGradients = no_grad();
        using TorchSharp.DisposeScope scope = NewDisposeScope();
        long[] tokens = [loaded.Tokenizer.BeginOfTextId ?? 0, .. loaded.Tokenizer.Encode(Story).Select(id => (long)id)];
        Tensor logits = loaded.Model.forward(tensor(tokens[..^1]).view(1, -1));
        return nn.functional.cross_entropy(logits.squeeze(0), tensor(tokens[1..])).item<float>();
    }
}
