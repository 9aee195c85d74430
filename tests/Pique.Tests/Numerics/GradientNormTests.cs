using Pique.Numerics;
using Pique.Numerics.Kernels;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public sealed class GradientNormTests
{
    private static readonly long[] Lengths = [1, 15, 16, 17, 256, 300, 16_384, 16_385, 50_001, 3];

    [Fact]
    public void Every_form_gives_the_bits_of_the_scalar_reference_and_all_agree_with_float64()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] tensors = Sample();
        double exact = tensors.Sum(tensor => AdamWSample.Values(tensor).Sum(value => (double)value * value));
        double reference = GradientNorm.Sum(tensors, KernelForm.Scalar);
        Assert.Equal(exact, reference, 1e-6 * exact);
        foreach (KernelForm form in Enum.GetValues<KernelForm>())
            Assert.Equal(reference, GradientNorm.Sum(tensors, form));
        Assert.Equal(Math.Sqrt(reference), GradientNorm.Of(tensors));
    }

    [Fact]
    public void A_small_tensor_beside_large_ones_is_not_lost()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor many = full([4_000_000], 1e-3f), one = full([1], 3f);
        Assert.Equal(Math.Sqrt(4 + 9), GradientNorm.Of([many, one]), 1e-6);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(1e20f)]
    public void Whatever_is_not_finite_or_overflows_makes_the_norm_so_wherever_it_is(float bad)
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (long place in new long[] { 0, 16_383, 16_384 })
        {
            Tensor[] tensors = Sample();
            tensors[7][place] = bad;
            Assert.False(double.IsFinite(GradientNorm.Of(tensors)));
        }
    }

    [Fact]
    public void Tensors_that_are_not_contiguous_count_too()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor turned = full([3, 2], 2f).t();
        Assert.Equal(5, GradientNorm.Of([turned, full([1], 1f)]), 1e-6);
    }

    [Fact]
    public void The_number_of_threads_changes_nothing()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] tensors = Sample();
        int threads = KernelThreads.Count;
        try
        {
            KernelThreads.Limit(1);
            double one = GradientNorm.Of(tensors);
            KernelThreads.Limit(2);
            Assert.Equal(one, GradientNorm.Of(tensors));
        }
        finally
        {
            KernelThreads.Limit(threads);
        }
    }

    [Fact]
    public void No_tensor_has_norm_zero() => Assert.Equal(0, GradientNorm.Of([]));

    private static Tensor[] Sample()
    {
        Generator generator = new(5);
        return [.. Lengths.Select(length => randn(length, generator: generator))];
    }
}
