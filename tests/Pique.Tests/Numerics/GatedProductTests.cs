using CsCheck;
using Pique.Models.Llama;
using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public sealed class GatedProductTests
{
    [Fact]
    public void Every_form_gives_the_bits_of_the_reference_on_any_number_of_threads() => LayerCase.Rows.Sample(
        shape =>
        {
            using DisposeScope scope = NewDisposeScope();
            (Tensor gate, Tensor up, Tensor upstream) = Draw(shape);
            LayerCase.AssertFormsAgree(form =>
            {
                Tensor product = empty_like(gate), inPlace = gate.clone();
                GatedProduct.Multiply(gate, up, product, form);
                GatedProduct.Multiply(inPlace, up, inPlace, form);
                LayerCase.AssertSameBits(product, inPlace);
                (Tensor ofGate, Tensor ofUp) = GatedProduct.Gradients(gate, up, upstream, form);
                return [product, ofGate, ofUp];
            });
        },
        iter: 40,
        threads: 1);

    [Fact]
    public void Products_and_gradients_are_those_of_plain_operations_in_float64() => LayerCase.Rows.Sample(
        shape =>
        {
            using DisposeScope scope = NewDisposeScope();
            (Tensor gate, Tensor up, Tensor upstream) = Draw(shape);
            Tensor exactGate = LayerCase.Exact(gate).requires_grad_(), exactUp = LayerCase.Exact(up).requires_grad_();
            Tensor exact = PlainLayers.Gate(exactGate, exactUp);
            exact.backward([LayerCase.Exact(upstream)]);

            Tensor product = empty_like(gate);
            GatedProduct.Multiply(gate, up, product);
            (Tensor ofGate, Tensor ofUp) = GatedProduct.Gradients(gate, up, upstream);

            LayerCase.AssertClose(exact, product, 5e-7);
            LayerCase.AssertClose(exactGate.grad!, ofGate, 5e-7);
            LayerCase.AssertClose(exactUp.grad!, ofUp, 5e-7);
        },
        iter: 60,
        threads: 1);

    [Fact]
    public void Tensors_of_different_length_are_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        ArgumentException error = Assert.Throws<ArgumentException>(() => GatedProduct.Multiply(ones(3), ones(4), ones(3)));
        Assert.Equal("Found 3, 4 and 3 values, expected as many of each. (Parameter 'gate')", error.Message);
    }

    // Gates up to ±20, where silu is a line or nothing.
    private static (Tensor Gate, Tensor Up, Tensor Upstream) Draw((int Rows, int Width, int Seed) shape) => (
        LayerCase.Normal(shape.Seed, shape.Rows, shape.Width).mul(5),
        LayerCase.Normal(shape.Seed + 1, shape.Rows, shape.Width),
        LayerCase.Normal(shape.Seed + 2, shape.Rows, shape.Width));
}
