using Pique.Configuration;
using Pique.Formats;
using Pique.Formats.Gguf;
using Pique.Formats.Gguf.Export;
using Pique.Interop.Tests.Fixture;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using Pique.Tests.Models.Families;
using TorchSharp;
using TorchSharp.Modules;

namespace Pique.Interop.Tests.Formats.Gguf.Export;

/// <summary>Every weight of an exported file, read by ggml's own code, is the weight of training bit for bit.</summary>
public sealed class CarrierExportTests(LlamaCpp llamaCpp) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <summary>Bits, grid, granularity, two-level scales, and the type the projections are to become.</summary>
    public static TheoryData<int, GridKind, int, bool, GgufTensorType> Grids => new()
    {
        { 2, GridKind.TwosComplement, 0, false, GgufTensorType.Q2_K },
        { 2, GridKind.HalfInteger, 0, false, GgufTensorType.Q2_K },
        { 2, GridKind.Affine, 0, false, GgufTensorType.Q2_K },
        { 2, GridKind.TwosComplement, 64, false, GgufTensorType.Q2_0 },
        { 2, GridKind.TwosComplement, 16, true, GgufTensorType.Q2_K },
        { 3, GridKind.TwosComplement, 0, false, GgufTensorType.Q3_K },
        { 3, GridKind.TwosComplement, 32, true, GgufTensorType.Q3_K },
        { 3, GridKind.TwosComplement, 32, false, GgufTensorType.Q4_0 },
        { 4, GridKind.TwosComplement, 32, false, GgufTensorType.Q4_0 },
        { 4, GridKind.TwosComplement, 32, true, GgufTensorType.Q4_K },
        { 5, GridKind.TwosComplement, 0, false, GgufTensorType.Q5_0 },
        { 5, GridKind.TwosComplement, 32, true, GgufTensorType.Q5_K },
        { 8, GridKind.TwosComplement, 0, false, GgufTensorType.Q8_0 },
    };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Grids))]
    public void Ggml_reads_the_weights_of_training(int bits, GridKind kind, int blockSize, bool twoLevels, GgufTensorType expected)
    {
        llamaCpp.SkipIfMissing();
        QuantGranularity granularity = blockSize == 0 ? new QuantGranularity.PerChannel() : new QuantGranularity.PerBlock(blockSize);
        WeightQuantizationSpec spec = new(bits, granularity, new SteVariant.Standard(), Kind: kind) { TwoLevelScales = twoLevels };
        WeightQuantizationSpec ends = new(8, new QuantGranularity.PerBlock(32), new SteVariant.Standard());
        using LoadedModel model = ExportedModels.Rounded(_folder, FamilyModels.Create("llama-grouped-wide"), name => name.StartsWith("model.layers", StringComparison.Ordinal) ? spec : ends);

        GgufExport export = GgufModelWriter.Write(_folder.File("model.gguf"), model, new GgufExportOptions { Name = "grids" });

        Assert.True(export.IsExact);
        Assert.Empty(export.Warnings);
        Assert.All(
            export.Tensors.Where(tensor => tensor.Shape.Count == 2),
            tensor => Assert.Equal(tensor.Name.StartsWith("model.layers", StringComparison.Ordinal) ? expected : GgufTensorType.Q8_0, tensor.Type));
        AssertSameWeights(model, export);
        AssertRuns(model, export);
    }

    [Fact]
    public void Rows_that_fit_no_type_become_float16_and_are_named()
    {
        llamaCpp.SkipIfMissing();
        WeightQuantizationSpec spec = new(3, new QuantGranularity.PerChannel(), new SteVariant.Standard());
        LlamaConfig config = FamilyModels.Config("llama-tied") with { IntermediateSize = 172 };
        using LoadedModel model = ExportedModels.Rounded(_folder, FamilyModels.Create(config), name => name.EndsWith("down_proj", StringComparison.Ordinal) ? spec : null);

        GgufExport export = GgufModelWriter.Write(_folder.File("model.gguf"), model, new GgufExportOptions { Name = "narrow" });

        Assert.Equal(
            ["no quantized type holds these weights exactly, so they were rounded to F16 (F32 would be exact, and larger): model.layers.0.mlp.down_proj.weight, model.layers.1.mlp.down_proj.weight"],
            export.Warnings);
        Assert.All(export.Tensors, tensor => Assert.Equal(!tensor.Name.Contains("down_proj", StringComparison.Ordinal), tensor.IsExact));
        AssertRuns(model, export);
    }

    private void AssertSameWeights(LoadedModel model, GgufExport export)
    {
        using GgufFile file = GgufFile.Open(export.Path);
        Dictionary<string, Parameter> parameters = model.Model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter, StringComparer.Ordinal);
        foreach (GgufExportedTensor tensor in export.Tensors)
        {
            byte[] blocks = new byte[tensor.ByteCount];
            file.ReadBytes(tensor.GgufName, 0, blocks);
            float[] read = new float[Shapes.ElementCount(tensor.Shape)];
            if (tensor.Type == GgufTensorType.F32)
                Buffer.BlockCopy(blocks, 0, read, 0, blocks.Length);
            else
                llamaCpp.Blocks.Dequantize(tensor.Type, blocks, read);

            float[] trained = parameters[tensor.Name].data<float>().ToArray();
            RotaryRowOrder order = GgufArchitecture.RowOrder(model.Model.Config, tensor.Name);
            int columns = (int)tensor.Shape[^1];
            for (int row = 0; row < read.Length / columns; row++)
                Assert.Equal(trained.AsSpan((int)order.CheckpointRow(row) * columns, columns), read.AsSpan(row * columns, columns));
        }
    }

    /// <summary>llama.cpp rounds activations to eight bits before it multiplies quantized weights, so that its probabilities are near ours and no more.</summary>
    private void AssertRuns(LoadedModel model, GgufExport export)
    {
        const double Near = 0.25;
        using LlamaCppModel theirs = llamaCpp.Load(export.Path, 32);
        int[] ids = [.. FamilyModels.Tokens(32).data<long>().Select(id => (int)id)];
        using DisposeScope scope = torch.NewDisposeScope();
        using IDisposable noGradients = torch.no_grad();
        float[] ours = torch.nn.functional.log_softmax(model.Model.forward(torch.tensor(ids.Select(id => (long)id).ToArray()).view(1, -1)), 2).data<float>().ToArray();
        double[] expected = [.. theirs.LogProbabilities(ids).SelectMany(row => row)];
        double divergence = expected.Zip(ours, (p, q) => Math.Exp(p) * (p - q)).Sum() / ids.Length;
        Assert.InRange(divergence, -1e-6, Near);
    }
}
