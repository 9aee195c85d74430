using Pique.Configuration;
using Pique.Formats;
using Pique.Formats.Gguf;
using Pique.Formats.Gguf.Export;
using Pique.Formats.HuggingFace;
using Pique.Interop.Tests.Fixture;
using Pique.Models.Generation;
using Pique.Numerics;
using Pique.Quantization;

namespace Pique.Interop.Tests.Pipeline;

/// <summary>Checkpoints that nobody here wrote, exported and run. Skipped where the shared data is absent.</summary>
public sealed class CheckpointExportTests(LlamaCpp llamaCpp) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("models/TinyStories-656K", "Once upon a time")]
    [InlineData("models/stories260K/stories260K.bin", "Once upon a time")]
    public void Full_precision_continues_as_here(string checkpoint, string prompt)
    {
        using LoadedModel model = ModelLoader.Load(SharedData.PathOrSkip(checkpoint));
        GgufExport export = GgufModelWriter.Write(_folder.File("model.gguf"), model, new GgufExportOptions { Name = "stories", Type = GgufTensorType.F32 });
        int[] ids = [model.Tokenizer.BeginOfTextId!.Value, .. model.Tokenizer.Encode(prompt)];
        GeneratedSequence ours = TokenGenerator.Generate(model.Model, ids, new GenerationOptions { MaxTokens = 60 }, cancellationToken: TestContext.Current.CancellationToken);

        using LlamaCppModel theirs = llamaCpp.Load(export.Path, ids.Length + 64);

        Assert.Equal(ids[1..], theirs.Tokenize(prompt));
        Assert.Equal(ours.TokenIds, theirs.Greedy(ids, 60).TokenIds);
    }

    [Theory]
    [InlineData("models/TinyStories-656K", 0)]
    [InlineData("models/stories260K/stories260K.bin", 172)]
    public void Three_bits_are_exact_but_where_rows_fit_no_type(string checkpoint, int inexactColumns)
    {
        string path = SharedData.PathOrSkip(checkpoint);
        using LoadedModel source = ModelLoader.Load(path);
        QuantizationPolicy policy = QuantizationPolicy.From(new Recipe { Qat = QatConfig.PiQ3 });
        IReadOnlyDictionary<string, QuantizedTensor> packed = ModelQuantizer.RoundToNearest(source.Model.QuantizableLayers, policy.SpecFor, ScaleMethod.MinimumError);
        HuggingFaceWriter.SavePacked(_folder.File("packed"), source.Model, packed, source.Tokenizer, source.TokenizerFiles);
        using LoadedModel model = ModelLoader.Load(_folder.File("packed"));

        GgufExport export = GgufModelWriter.Write(_folder.File("model.gguf"), model, new GgufExportOptions { Name = "stories" });

        Assert.All(export.Tensors, tensor => Assert.Equal(tensor.Shape[^1] != inexactColumns || tensor.Shape.Count == 1, tensor.IsExact));
        using LlamaCppModel theirs = llamaCpp.Load(export.Path, 64);
        int[] ids = [model.Tokenizer.BeginOfTextId!.Value, .. model.Tokenizer.Encode("Once upon a time")];
        Assert.NotEmpty(theirs.Greedy(ids, 20).TokenIds);
    }
}
