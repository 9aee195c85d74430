using Pique.Models.Families;
using Pique.Models.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Llama;

public class RotaryEmbeddingTests
{
    public static TheoryData<RopeScaling> Scalings => [new RopeScaling.Linear(2.5f), new RopeScaling.Llama3(4f, 1f, 4f, 32)];

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(30)]
    public void Heads_turn_as_the_formula_says_also_beyond_the_first_table(int firstPosition)
    {
        using DisposeScope scope = NewDisposeScope();
        using RotaryEmbedding rotary = new(headSize: 8, theta: 500f, contextTokens: 12);
        Tensor heads = randn([1, 4, 2, 8], generator: new Generator(5, CPU));

        Tensor rotated = RotaryEmbedding.Apply(heads, rotary.Tables(firstPosition, 4, CPU));

        for (int token = 0; token < 4; token++)
        {
            for (int head = 0; head < 2; head++)
            {
                double[] expected = LlamaReference.Rotate([.. heads[0, token, head].data<float>().Select(x => (double)x)], firstPosition + token, 500);
                float[] actual = rotated[0, token, head].data<float>().ToArray();
                for (int channel = 0; channel < 8; channel++)
                    Assert.Equal(expected[channel], actual[channel], tolerance: 1e-5);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Scalings))]
    public void Scaled_heads_turn_as_the_formula_says(RopeScaling scaling)
    {
        using DisposeScope scope = NewDisposeScope();
        using RotaryEmbedding rotary = new(headSize: 16, theta: 500f, contextTokens: 64, scaling);
        Tensor heads = randn([1, 1, 1, 16], generator: new Generator(5, CPU));

        float[] actual = RotaryEmbedding.Apply(heads, rotary.Tables(41, 1, CPU))[0, 0, 0].data<float>().ToArray();

        double[] expected = LlamaReference.Rotate([.. heads.data<float>().Select(x => (double)x)], 41, 500, scaling);
        Assert.All(expected.Zip(actual), pair => Assert.Equal(pair.First, pair.Second, tolerance: 1e-5));
        Assert.NotEqual(LlamaReference.Rotate([.. heads.data<float>().Select(x => (double)x)], 41, 500)[7], expected[7], tolerance: 1e-3);
    }

    [Fact]
    public void Tables_that_grew_equal_tables_made_at_once()
    {
        using DisposeScope scope = NewDisposeScope();
        using RotaryEmbedding grown = new(headSize: 8, theta: 500f, contextTokens: 5000), whole = new(headSize: 8, theta: 500f, contextTokens: 5000);
        whole.Tables(0, 5000, CPU);
        grown.Tables(0, 3, CPU);

        foreach (int position in (int[])[2, 1023, 1024, 4999, 5000, 5001])
        {
            Assert.Equal(0, TinyLlama.LargestDifference(grown.Tables(position, 1, CPU).Cos, whole.Tables(position, 1, CPU).Cos));
            Assert.Equal(0, TinyLlama.LargestDifference(grown.Tables(position, 1, CPU).SignedSin, whole.Tables(position, 1, CPU).SignedSin));
        }
    }
}
