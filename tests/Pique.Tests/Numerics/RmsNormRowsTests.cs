using CsCheck;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Numerics.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public sealed class RmsNormRowsTests
{
    private const float Epsilon = 1e-5f;

    [Fact]
    public void Every_form_gives_the_bits_of_the_reference_on_any_number_of_threads() => LayerCase.Rows.Sample(
        shape =>
        {
            using DisposeScope scope = NewDisposeScope();
            Drawn drawn = new(shape);
            LayerCase.AssertFormsAgree(form =>
            {
                Tensor sum = drawn.Input.clone(), inverse = RmsNormRows.NewInverseRms(sum, drawn.Gain);
                Tensor output = RmsNormRows.Normalize(sum, drawn.Addend, drawn.Gain, Epsilon, inverse, form);
                NormedRows normed = new(sum, inverse, drawn.Gain);
                (Tensor? plain, Tensor? gain) = RmsNormRows.Gradients(normed, drawn.Upstream, null, (true, true), form);
                (Tensor? beside, Tensor? none) = RmsNormRows.Gradients(normed, drawn.Upstream, drawn.Addend, (true, false), form);
                Assert.Null(none);
                return [sum, inverse, output, RmsNormRows.Normalize(drawn.Input, null, drawn.Gain, Epsilon, null, form), plain!, gain!, beside!];
            });
        },
        iter: 40,
        threads: 1);

    [Fact]
    public void Rows_and_gradients_are_those_of_plain_operations_in_float64() => LayerCase.Rows.Sample(
        shape =>
        {
            using DisposeScope scope = NewDisposeScope();
            Drawn drawn = new(shape);
            Tensor exactInput = LayerCase.Exact(drawn.Input).requires_grad_(), exactGain = LayerCase.Exact(drawn.Gain).requires_grad_();
            Tensor exact = PlainLayers.Normalize(exactInput, exactGain, Epsilon);
            exact.backward([LayerCase.Exact(drawn.Upstream)]);

            Tensor inverse = RmsNormRows.NewInverseRms(drawn.Input, drawn.Gain);
            Tensor output = RmsNormRows.Normalize(drawn.Input, null, drawn.Gain, Epsilon, inverse);
            (Tensor? input, Tensor? gain) = RmsNormRows.Gradients(new(drawn.Input, inverse, drawn.Gain), drawn.Upstream, null, (true, true));

            LayerCase.AssertClose(exact, output, 1e-6);
            LayerCase.AssertClose(exactInput.grad!, input!, 1e-6);
            // Over a few thousand rows the sums are in float32, 64 slices of them.
            LayerCase.AssertClose(exactGain.grad!, gain!, 2e-6);
        },
        iter: 60,
        threads: 1);

    [Fact]
    public void Large_and_tiny_rows_are_normalized_as_well()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor gain = ones(40), rows = LayerCase.Normal(5, 3, 40);
        foreach (float scale in (float[])[1e15f, 1e-15f])
        {
            Tensor input = rows.mul(scale);
            LayerCase.AssertClose(PlainLayers.Normalize(LayerCase.Exact(input), LayerCase.Exact(gain), 1e-38f), RmsNormRows.Normalize(input, null, gain, 1e-38f), 1e-6);
        }
    }

    [Fact]
    public void A_row_whose_squares_overflow_has_no_gradient()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor input = full([1, 40], 1e25f), gain = ones(40), inverse = RmsNormRows.NewInverseRms(input, gain);
        Tensor output = RmsNormRows.Normalize(input, null, gain, Epsilon, inverse);
        (Tensor? gradient, _) = RmsNormRows.Gradients(new(input, inverse, gain), ones_like(input), null, (true, false));
        Assert.All(output.data<float>(), value => Assert.Equal(0f, value));
        Assert.All(gradient!.data<float>(), value => Assert.Equal(float.NaN, value));
    }

    [Fact]
    public void Slices_hold_all_rows_and_are_no_more_than_sixty_four()
    {
        foreach (long rows in (long[])[1, 32, 33, 2048, 2049, 1_000_003])
            Assert.InRange(RmsNormGradientKernel.SliceCount(rows), 1, 64);
        Assert.Equal([0L, 1, 1, 2, 64, 63], ((long[])[0, 1, 32, 33, 2048, 2049]).Select(RmsNormGradientKernel.SliceCount));
    }

    [Fact]
    public void Another_width_is_refused()
    {
        using DisposeScope scope = NewDisposeScope();
        ArgumentException error = Assert.Throws<ArgumentException>(() => RmsNormRows.Normalize(ones(2, 6), null, ones(4), Epsilon));
        Assert.Equal("Found shape [2, 6], expected a last dimension of length 4. (Parameter 'input')", error.Message);
    }

    private sealed class Drawn((int Rows, int Width, int Seed) shape)
    {
        public Tensor Input { get; } = LayerCase.Normal(shape.Seed, shape.Rows, shape.Width);

        public Tensor Addend { get; } = LayerCase.Normal(shape.Seed + 1, shape.Rows, shape.Width);

        public Tensor Upstream { get; } = LayerCase.Normal(shape.Seed + 2, shape.Rows, shape.Width);

        public Tensor Gain { get; } = LayerCase.Normal(shape.Seed + 3, shape.Width);
    }
}
