using Pique.Formats;
using Pique.Formats.Gguf;
using Pique.Formats.Gguf.Export;
using Pique.Interop.Tests.Fixture;
using Pique.Models.Families;
using Pique.Models.Llama;
using Pique.Tests.Models.Families;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Interop.Tests.Formats.Gguf.Export;

/// <summary>llama.cpp computes every family from our files as we do: the independent oracle for our model code and for what the files say.</summary>
public sealed class FamilyExportTests(LlamaCpp llamaCpp) : IDisposable
{
    private const double LogitTolerance = 1e-3;
    private const int Tokens = 64;

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Names => [.. FamilyModels.All.Select(variant => variant.Name)];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Names))]
    public void Logits_of_float32_weights_are_those_of_llama_cpp(string name)
    {
        llamaCpp.SkipIfMissing();
        LlamaConfig config = FamilyModels.Config(name);
        using LoadedModel model = ExportedModels.FullPrecision(_folder, FamilyModels.Create(config with { SlidingWindow = null }));
        string path = _folder.File("model.gguf");
        Assert.True(GgufModelWriter.Write(path, model, new GgufExportOptions { Name = name, Type = GgufTensorType.F32 }).IsExact);
        using LlamaCppModel theirs = llamaCpp.Load(path, Tokens);
        int[] ids = [.. FamilyModels.Tokens(Tokens).data<long>().Select(id => (int)id)];

        float[][] expected = theirs.Logits(ids);

        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradients = no_grad();
        float[][] ours = [.. model.Model.forward(tensor(ids.Select(id => (long)id).ToArray()).view(1, -1)).data<float>().ToArray().Chunk(model.Model.VocabularySize)];
        for (int position = 0; position < Tokens; position++)
        {
            for (int id = 0; id < model.Model.VocabularySize; id++)
                Assert.Equal(expected[position][id], ours[position][id], LogitTolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_file_loads_back_as_the_model_it_was_written_from(string name)
    {
        LlamaConfig config = FamilyModels.Config(name);
        using LoadedModel model = ExportedModels.FullPrecision(_folder, FamilyModels.Create(config));
        string path = _folder.File("model.gguf");
        GgufModelWriter.Write(path, model, new GgufExportOptions { Name = name });

        using LoadedModel loaded = ModelLoader.Load(path);

        // A Mistral without a window has nothing in its file that tells it from a Llama.
        ModelFamily family = config.Family == ModelFamily.Mistral && config.SlidingWindow is null ? ModelFamily.Llama : config.Family;
        Assert.Equal(config with { Family = family }, loaded.Model.Config);
        Assert.Equal(model.Digest, loaded.Digest);
    }
}
