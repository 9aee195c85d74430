using Pique.Models.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Llama;

public class RotaryEmbeddingTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(30)]
    public void Heads_turn_as_the_formula_says_also_beyond_the_first_table(int firstPosition)
    {
        using DisposeScope scope = NewDisposeScope();
        using RotaryEmbedding rotary = new(headSize: 8, theta: 500f, positionCount: 12);
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
}
