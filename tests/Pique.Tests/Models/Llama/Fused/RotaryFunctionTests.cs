using System.Runtime.InteropServices;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Tests.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Llama;

public sealed class RotaryFunctionTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Gradients_are_the_slopes_of_the_rotation(bool overwrites)
    {
        using DisposeScope scope = NewDisposeScope();
        using RotaryEmbedding rotary = new(10, 500f, 16);
        Slopes.AssertGradients(
            inputs => [RotaryFunction.Compute(inputs[0].mul(HeldScalar.Of(1)), rotary.Tables(2, 3, CPU), overwrites)], LayerCase.Normal(1, 2, 3, 2, 10));
    }

    [Fact]
    public void Gradients_of_a_view_whose_rotation_is_read_transposed_are_those_of_plain_operations()
    {
        using DisposeScope scope = NewDisposeScope();
        using RotaryEmbedding rotary = new(34, 500f, 64);
        (Tensor, Tensor) tables = rotary.Tables(0, 7, CPU);
        Tensor upstream = LayerCase.Normal(2, 3, 5, 7, 34);
        Tensor[] results = [.. new[] { false, true }.Select(isFused =>
        {
            Tensor input = LayerCase.Normal(1, 3, 7, 5 * 34).requires_grad_();
            Tensor heads = input.mul(HeldScalar.Of(2)).view(3, 7, 5, 34);
            Tensor rotated = isFused ? RotaryEmbedding.Apply(heads, tables, overwrites: true) : PlainLayers.Rotate(heads, tables);
            rotated.transpose(1, 2).backward([upstream]);
            return cat([rotated.detach().view(-1), input.grad!.view(-1)]);
        })];
        LayerCase.AssertClose(results[0], results[1], 3e-7);
    }

    [Fact]
    public void Heads_are_overwritten_only_where_that_was_said()
    {
        using DisposeScope scope = NewDisposeScope();
        using RotaryEmbedding rotary = new(34, 500f, 64);
        (Tensor, Tensor) tables = rotary.Tables(1, 7, CPU);
        foreach (bool learns in (bool[])[true, false])
        {
            Tensor original = LayerCase.Normal(1, 1, 7, 2, 34), kept = original.clone().requires_grad_(learns), given = kept.mul(HeldScalar.Of(1));
            Tensor expected = RotaryEmbedding.Apply(kept, tables);
            LayerCase.AssertSameBits(original, kept);
            Tensor rotated = RotaryEmbedding.Apply(given, tables, overwrites: true);
            LayerCase.AssertSameBits(expected, rotated);
            LayerCase.AssertSameBits(expected, given);
            Assert.Equal(learns, rotated.requires_grad);
        }
    }

    [Fact]
    public void Heads_whose_old_values_autograd_needs_are_refused_in_the_backward_pass()
    {
        using DisposeScope scope = NewDisposeScope();
        using RotaryEmbedding rotary = new(10, 500f, 16);
        Tensor heads = LayerCase.Normal(1, 1, 3, 2, 10).requires_grad_().exp();
        Tensor rotated = RotaryEmbedding.Apply(heads, rotary.Tables(1, 3, CPU), overwrites: true);
        Assert.Contains("modified by an inplace operation", Assert.Throws<ExternalException>(rotated.sum().backward).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Heads_the_kernel_does_not_read_take_plain_operations()
    {
        using DisposeScope scope = NewDisposeScope();
        using RotaryEmbedding rotary = new(10, 500f, 16);
        (Tensor, Tensor) tables = rotary.Tables(1, 3, CPU);
        foreach (Tensor heads in (Tensor[])[LayerCase.Normal(1, 2, 3, 3, 10).transpose(0, 2), LayerCase.Normal(1, 2, 3, 2, 10).to(ScalarType.Float64)])
        {
            Tensor original = heads.clone();
            LayerCase.AssertSameBits(PlainLayers.Rotate(heads, tables), RotaryEmbedding.Apply(heads, tables, overwrites: true));
            LayerCase.AssertSameBits(original, heads);
        }
    }
}
