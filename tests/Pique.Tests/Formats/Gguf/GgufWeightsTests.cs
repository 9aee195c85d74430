using Pique.Formats.Gguf;
using Pique.Tests.Formats.Hostile;

namespace Pique.Tests.Formats.Gguf;

public sealed class GgufWeightsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.File("model.gguf");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("blk.0.ffn_up.weight", "blk.00.ffn_up.weight", "model.layers.0.mlp.up_proj.weight")]
    [InlineData("output_norm.weight", "model.norm.weight", "model.norm.weight")]
    public void Two_tensors_that_stand_for_one_weight_are_refused(string first, string second, string weight)
    {
        File.WriteAllBytes(FilePath, new GgufBytes { Content = new byte[64] }.Tensor(first, [4], 0, 0).Tensor(second, [4], 0, 32).ToArray());
        using GgufFile file = GgufFile.Open(FilePath);

        Assert.Equal(
            $"{FilePath}: tensors \"{first}\" and \"{second}\" are both {weight}, expected one of them; export the model again",
            Assert.Throws<InputException>(() => new GgufWeights(file, TinyLlama.Tied)).Message);
    }

    [Fact]
    public void Weights_go_by_their_names_in_the_checkpoint_and_unknown_ones_by_their_own()
    {
        File.WriteAllBytes(FilePath, new GgufBytes { Content = [0, 0, 0x80, 0x3F, .. new byte[64]] }
            .Tensor("blk.1.ffn_up.weight", [1], 0, 0).Tensor("extra", [2], 0, 32).Tensor("rope_freqs.weight", [1], 0, 64).ToArray());
        using GgufFile file = GgufFile.Open(FilePath);
        using GgufWeights weights = new(file, TinyLlama.Tied);
        float[] value = new float[1];
        weights.Read("model.layers.1.mlp.up_proj.weight", 0, value);

        Assert.Equal(["model.layers.1.mlp.up_proj.weight", "extra"], weights.Shapes.Keys);
        Assert.Equal([1f], value);
    }
}
