using CsCheck;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Numerics.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public sealed class RotaryHeadsTests
{
    [Fact]
    public void Every_form_gives_the_bits_of_the_reference_also_in_place_and_with_gaps() => LayerCase.Heads.Sample(
        shape =>
        {
            using DisposeScope scope = NewDisposeScope();
            using RotaryEmbedding rotary = new(shape.HeadSize, 500f, 256);
            (Tensor, Tensor) tables = rotary.Tables(3, shape.Tokens, CPU);
            Tensor heads = LayerCase.Normal(shape.Seed, shape.Batch, shape.Tokens, shape.Heads, shape.HeadSize);
            Tensor transposed = heads.transpose(1, 2).contiguous().transpose(1, 2);
            foreach (bool back in (bool[])[false, true])
            {
                LayerCase.AssertFormsAgree(form =>
                {
                    Tensor inPlace = heads.clone(), expected = Rotated(heads, empty_like(heads), form);
                    LayerCase.AssertSameBits(expected, Rotated(inPlace, inPlace, form));
                    LayerCase.AssertSameBits(expected, Rotated(transposed, empty(heads.shape), form));
                    return [expected];
                });

                Tensor Rotated(Tensor source, Tensor destination, KernelForm form)
                {
                    RotaryHeads.Rotate(source, tables, back, destination, form);
                    return destination;
                }
            }
        },
        iter: 40,
        threads: 1);

    [Fact]
    public void Heads_and_gradients_are_those_of_plain_operations_in_float64() => LayerCase.Heads.Sample(
        shape =>
        {
            using DisposeScope scope = NewDisposeScope();
            using RotaryEmbedding rotary = new(shape.HeadSize, 500f, 256);
            (Tensor Cos, Tensor SignedSin) tables = rotary.Tables(17, shape.Tokens, CPU);
            Tensor heads = LayerCase.Normal(shape.Seed, shape.Batch, shape.Tokens, shape.Heads, shape.HeadSize), upstream = LayerCase.Normal(shape.Seed + 1, heads.shape);
            Tensor exactHeads = LayerCase.Exact(heads).requires_grad_();
            Tensor exact = PlainLayers.Rotate(exactHeads, (LayerCase.Exact(tables.Cos), LayerCase.Exact(tables.SignedSin)));
            exact.backward([LayerCase.Exact(upstream)]);

            Tensor rotated = empty_like(heads), gradient = empty_like(heads);
            RotaryHeads.Rotate(heads, tables, back: false, rotated);
            RotaryHeads.Rotate(upstream, tables, back: true, gradient);

            LayerCase.AssertClose(exact, rotated, 2e-7);
            LayerCase.AssertClose(exactHeads.grad!, gradient, 2e-7);
        },
        iter: 60,
        threads: 1);

    [Fact]
    public void Tables_of_another_length_are_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        using RotaryEmbedding rotary = new(8, 500f, 16);
        Tensor heads = ones(1, 3, 2, 8);
        ArgumentException error = Assert.Throws<ArgumentException>(() => RotaryHeads.Rotate(heads, rotary.Tables(0, 4, CPU), back: false, heads));
        Assert.Equal(
            "Found heads of shape [1, 3, 2, 8] and tables of shape [4, 1, 8], expected [batch, tokens, heads, an even headSize] and [tokens, 1, headSize]. (Parameter 'source')",
            error.Message);
    }
}
