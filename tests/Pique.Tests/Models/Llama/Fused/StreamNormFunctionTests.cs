using System.Runtime.InteropServices;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Tests.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Llama;

public sealed class StreamNormFunctionTests
{
    private const float Epsilon = 1e-3f;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Gradients_are_the_slopes_of_sum_and_norm(bool adds)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] inputs = [LayerCase.Normal(1, 3, 19), LayerCase.Normal(2, 19), LayerCase.Normal(3, 3, 19)];
        Slopes.AssertGradients(
            values =>
            {
                (Tensor stream, Tensor normed) = StreamNormFunction.Compute(values[0], adds ? Fresh(values[2]) : null, values[1], Epsilon);
                return [stream, normed];
            },
            adds ? inputs : inputs[..2]);
    }

    [Theory]
    [InlineData(true, true, true, true)]
    [InlineData(true, true, true, false)]
    [InlineData(true, true, false, true)]
    [InlineData(true, false, true, true)]
    [InlineData(false, true, true, true)]
    [InlineData(false, false, true, true)]
    [InlineData(false, true, false, false)]
    public void Gradients_are_those_of_plain_operations_whatever_asks_for_one_and_whichever_result_is_used(bool streamLearns, bool addendLearns, bool gainLearns, bool usesBoth)
    {
        foreach (bool usesStream in usesBoth ? (bool[])[true] : [true, false])
        {
            using DisposeScope scope = NewDisposeScope();
            bool usesNorm = usesBoth || !usesStream;
            Tensor?[] plain = Gradients(stream => addend => gain =>
            {
                Tensor sum = addend.add(stream);
                return (sum, PlainLayers.Normalize(sum, gain, Epsilon));
            });
            Tensor?[] fused = Gradients(stream => addend => gain => StreamNormFunction.Compute(stream, Fresh(addend), gain, Epsilon));
            foreach ((Tensor? expected, Tensor? found) in plain.Zip(fused))
            {
                Assert.Equal(expected is null, found is null);
                if (expected is not null)
                    LayerCase.AssertClose(expected, found!, 1e-6);
            }

            Tensor?[] Gradients(Func<Tensor, Func<Tensor, Func<Tensor, (Tensor, Tensor)>>> compute)
            {
                Tensor stream = LayerCase.Normal(1, 5, 19).requires_grad_(streamLearns), addend = LayerCase.Normal(2, 5, 19).requires_grad_(addendLearns);
                Tensor gain = LayerCase.Normal(3, 19).requires_grad_(gainLearns);
                (Tensor sum, Tensor normed) = compute(stream)(addend)(gain);
                Tensor loss = zeros(1);
                if (usesStream)
                    loss = loss.add(sum.mul(LayerCase.Normal(4, 5, 19)).sum());
                if (usesNorm)
                    loss = loss.add(normed.mul(LayerCase.Normal(5, 5, 19)).sum());
                if (loss.requires_grad)
                    loss.backward();
                return [stream.grad, addend.grad, gain.grad];
            }
        }
    }

    [Fact]
    public void The_sum_is_written_over_the_addend_and_equals_a_plain_one()
    {
        using DisposeScope scope = NewDisposeScope();
        using RmsNorm norm = new(130, Epsilon);
        Tensor stream = LayerCase.Normal(1, 300, 130), addend = LayerCase.Normal(2, 300, 130), expected = addend.add(stream);
        foreach (bool learns in (bool[])[true, false])
        {
            using IDisposable? noGradients = learns ? null : no_grad();
            Tensor fresh = Fresh(addend);
            (Tensor sum, Tensor normed) = norm.AddAndNormalize(stream, fresh);
            LayerCase.AssertSameBits(expected, sum);
            LayerCase.AssertSameBits(expected, fresh);
            LayerCase.AssertSameBits(norm.forward(expected), normed);
            Assert.Equal((learns, learns), (sum.requires_grad, normed.requires_grad));
        }
    }

    [Fact]
    public void An_addend_whose_old_values_autograd_needs_is_refused_in_the_backward_pass()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor stream = LayerCase.Normal(1, 3, 19), addend = LayerCase.Normal(2, 3, 19).requires_grad_().exp();
        (_, Tensor normed) = StreamNormFunction.Compute(stream, addend, ones(19), Epsilon);
        Assert.Contains("modified by an inplace operation", Assert.Throws<ExternalException>(normed.sum().backward).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Tensors_the_kernel_does_not_read_take_plain_operations()
    {
        using DisposeScope scope = NewDisposeScope();
        using RmsNorm norm = new(6, Epsilon);
        Tensor stream = LayerCase.Normal(1, 6, 6).to(ScalarType.Float64), addend = LayerCase.Normal(2, 6, 6).to(ScalarType.Float64), expected = addend.add(stream);
        (Tensor sum, Tensor normed) = norm.AddAndNormalize(stream, addend);
        LayerCase.AssertSameBits(expected, sum);
        LayerCase.AssertSameBits(PlainLayers.Normalize(expected, norm.Gain, Epsilon), normed);
    }

    // A tensor of an operation whose gradient does not need what it gave, as projections are.
    private static Tensor Fresh(Tensor values) => values.mul(HeldScalar.Of(1));
}
