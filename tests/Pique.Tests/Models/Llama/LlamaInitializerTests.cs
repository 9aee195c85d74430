using Pique.Models.Llama;
using Pique.Tests.Models.Families;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Llama;

public class LlamaInitializerTests
{
    [Fact]
    public void Matrices_are_normal_writers_are_scaled_down_and_gains_are_one()
    {
        using DisposeScope scope = NewDisposeScope();
        using LlamaModel model = new(TinyLlama.Config(tied: false) with { HiddenSize = 128, IntermediateSize = 192, VocabularySize = 300 });

        LlamaInitializer.Initialize(model, seed: 3);

        foreach ((string name, TorchSharp.Modules.Parameter parameter) in model.named_parameters())
        {
            if (parameter.dim() == 1)
            {
                Assert.Equal(0, parameter.sub(1).abs().max().ToDouble());
                continue;
            }

            bool isWriter = name.Contains("o_proj", StringComparison.Ordinal) || name.Contains("down_proj", StringComparison.Ordinal);
            double expected = isWriter ? 0.02 / Math.Sqrt(4) : 0.02;
            Assert.Equal(expected, parameter.std().ToDouble(), tolerance: 0.05 * expected);
        }
    }

    [Theory]
    [InlineData("llama-attention-bias")]
    [InlineData("qwen2-tied")]
    [InlineData("qwen3-tied")]
    public void Biases_start_at_zero_and_norms_of_heads_at_one(string name)
    {
        using LlamaModel model = FamilyModels.Create(name);

        LlamaInitializer.Initialize(model, seed: 3);

        Assert.All(model.named_parameters().Where(entry => entry.parameter.dim() == 1), entry =>
            Assert.All(entry.parameter.data<float>(), value => Assert.Equal(entry.name.EndsWith(".bias", StringComparison.Ordinal) ? 0f : 1f, value)));
    }

    [Fact]
    public void Equal_seeds_give_equal_weights_and_others_do_not()
    {
        using DisposeScope scope = NewDisposeScope();
        using LlamaModel first = new(TinyLlama.Config()), second = new(TinyLlama.Config()), third = new(TinyLlama.Config());

        LlamaInitializer.Initialize(first, 1);
        LlamaInitializer.Initialize(second, 1);
        LlamaInitializer.Initialize(third, 2);

        Assert.Equal(0, Difference(first, second));
        Assert.NotEqual(0, Difference(first, third));

        static double Difference(LlamaModel left, LlamaModel right) =>
            left.parameters().Zip(right.parameters(), TinyLlama.LargestDifference).Max();
    }
}
