using Pique.Configuration;
using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Quantization;

public sealed class QuantizedEmbeddingTests
{
    private const int Rows = 7;
    private const int Columns = 48;

    private static readonly long[,] Tokens = { { 3, 5, 3 }, { 0, 5, 3 } };

    public static TheoryData<WeightQuantizationSpec> Specs => [.. QuantizationCases.All().Where(spec => spec.Bits is 3 or 8)];

    [Theory]
    [MemberData(nameof(Specs), DisableDiscoveryEnumeration = true)]
    public void Looking_up_rows_gives_those_of_the_whole_table_and_their_gradients(WeightQuantizationSpec spec)
    {
        using DisposeScope scope = NewDisposeScope();
        QuantizedEmbedding embedding = Embedding(spec);
        FakeQuantizer quantizer = embedding.WeightQuantizer!;
        quantizer.Strength = 0.75f;
        Tensor tokens = tensor(Tokens);
        Assert.Equal(Pass(embedding.EffectiveWeight().index_select(0, tokens.reshape(-1)).reshape(2, 3, -1)), Pass(embedding.forward(tokens)));
        using (no_grad())
            Assert.Equal(QuantizationCases.Bits(embedding.EffectiveWeight().index_select(0, tokens.reshape(-1))), QuantizationCases.Bits(embedding.forward(tokens)));

        float[][] Pass(Tensor output)
        {
            embedding.zero_grad();
            output.mul(Upstream()).sum().backward();
            return [[.. output.detach().data<float>()], .. embedding.parameters().Select(parameter => (float[])[.. parameter.grad!.data<float>()])];
        }
    }

    [Fact]
    public void A_table_in_bfloat16_takes_a_gradient_in_float32()
    {
        using DisposeScope scope = NewDisposeScope();
        QuantizedEmbedding embedding = Embedding(new(3, new QuantGranularity.PerChannel(), new SteVariant.Standard()));
        embedding.SetWeightType(ScalarType.BFloat16);
        embedding.forward(tensor(Tokens)).mul(Upstream()).sum().backward();
        Assert.Equal(ScalarType.Float32, embedding.Weight.grad!.dtype);
        Tensor expected = zeros(Rows, Columns).index_add_(0, tensor(Tokens).reshape(-1), Upstream().reshape(-1, Columns), HeldScalar.Of(1));
        Assert.Equal(expected.data<float>().ToArray(), embedding.Weight.grad.data<float>().ToArray());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Dampening_of_a_table_that_is_the_head_too_is_left_to_the_head(bool isHead)
    {
        using DisposeScope scope = NewDisposeScope();
        WeightQuantizationSpec spec = new(3, new QuantGranularity.PerChannel(), new SteVariant.LearnedStepSize());
        float[] without = Gradient(spec), with = Gradient(spec with { OscillationDampening = 0.5f });
        Assert.Equal(isHead, without.SequenceEqual(with));

        float[] Gradient(WeightQuantizationSpec spec)
        {
            QuantizedEmbedding embedding = Embedding(spec, isHead);
            embedding.forward(tensor(Tokens)).mul(Upstream()).sum().backward();
            return [.. embedding.Weight.grad!.data<float>()];
        }
    }

    [Fact]
    public void Without_a_quantizer_gradients_add_up_in_the_table()
    {
        using DisposeScope scope = NewDisposeScope();
        QuantizedEmbedding embedding = new(Rows, Columns);
        for (int pass = 1; pass <= 2; pass++)
        {
            embedding.forward(tensor(Tokens)).sum().backward();
            Assert.Equal([pass, 0, 0, 3 * pass, 0, 2 * pass, 0], embedding.Weight.grad!.select(1, 0).data<float>().ToArray());
        }
    }

    private static Tensor Upstream()
    {
        using Generator generator = new(11);
        return randn([2, 3, Columns], generator: generator);
    }

    private static QuantizedEmbedding Embedding(WeightQuantizationSpec spec, bool isHead = false)
    {
        QuantizedEmbedding embedding = new(Rows, Columns) { IsHead = isHead };
        using (no_grad())
            embedding.Weight.copy_(QuantizationCases.Matrix(QuantizationCases.Weights(Rows, Columns, seed: 2), Rows, Columns));
        ModelQuantizer.Prepare([("embedding", embedding)], _ => spec, ScaleMethod.MeanAbsolute);
        return embedding;
    }
}
