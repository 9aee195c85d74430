using Pique.Configuration;
using Pique.Formats;
using Pique.Formats.HuggingFace;
using Pique.Numerics;
using Pique.Pipeline;
using Pique.Quantization;

namespace Pique.Tests.Pipeline;

public sealed class ModelSizeTests : IDisposable
{
    /// <summary>Embedding and block of the tiny model; gains are its vectors.</summary>
    private const int Gains = 3 * 16;

    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_full_precision_folder_counts_the_bytes_of_its_weights_and_not_those_of_its_header()
    {
        using LoadedModel model = ModelLoader.Load(MicroData.WriteModel(_temporary, "base"));
        long bytes = new FileInfo(Path.Combine(model.Path, "model.safetensors")).Length;

        Assert.Equal(new ModelSize(32, bytes), ModelSize.Of(model));
    }

    [Fact]
    public void A_packed_model_counts_codes_and_scales_and_what_stayed_float32()
    {
        using LoadedModel model = ModelLoader.Load(MicroData.WriteModel(_temporary, "base"));
        QuantizationPolicy policy = QuantizationPolicy.From(new QatConfig { Bits = 3 }, []);
        IReadOnlyDictionary<string, QuantizedTensor> packed = ModelQuantizer.RoundToNearest(model.Model.QuantizableLayers, policy.SpecFor, ScaleMethod.AbsMax);
        long parameters = model.Model.parameters().Sum(parameter => parameter.numel());
        (long Rows, long Columns)[] matrices = [.. packed.Values.Select(tensor => (tensor.Rows, tensor.Columns))];
        long expected = matrices.Sum(matrix => matrix.Rows * (((3 * matrix.Columns) + 7) / 8 + 2)) + (4 * Gains); // a float16 scale a row
        Assert.Equal(parameters - Gains, matrices.Sum(matrix => matrix.Rows * matrix.Columns));

        ModelSize size = ModelSize.OfPacked(model.Model, packed);

        Assert.Equal(new ModelSize(8.0 * expected / parameters, expected), size);

        HuggingFaceWriter.SavePacked(_temporary.File("packed"), model.Model, packed, model.Tokenizer, model.TokenizerFiles);
        using LoadedModel stored = ModelLoader.Load(_temporary.File("packed"));
        Assert.Equal(size with { FileBytes = new FileInfo(_temporary.File("packed/model.safetensors")).Length }, ModelSize.Of(stored));
    }
}
