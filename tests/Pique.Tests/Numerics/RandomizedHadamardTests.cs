using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public class RandomizedHadamardTests
{
    [Theory]
    [InlineData(1, true)]
    [InlineData(24, true)]
    [InlineData(52, true)]
    [InlineData(64, true)]
    [InlineData(26, false)]
    [InlineData(7, false)]
    public void The_matrix_is_orthogonal_and_says_whether_it_is_a_hadamard_matrix(int order, bool isHadamard)
    {
        using DisposeScope scope = NewDisposeScope();
        using RandomizedHadamard rotation = RandomizedHadamard.Create(order, seed: 9);

        Tensor matrix = rotation.ToMatrix(), product = matrix.matmul(matrix.t());

        Assert.Equal(isHadamard, rotation.IsHadamard);
        Assert.Equal(order, rotation.Order);
        Assert.Equal(ScalarType.Float64, matrix.dtype);
        Assert.True(product.sub(eye(order, dtype: ScalarType.Float64)).abs().max().ToDouble() < 1e-12);
        bool entriesAreEqual = matrix.abs().sub(1 / Math.Sqrt(order)).abs().max().ToDouble() < 1e-12;
        Assert.Equal(isHadamard, entriesAreEqual);
    }

    [Theory]
    [InlineData(24)]
    [InlineData(26)]
    public void Equal_seeds_give_equal_rotations_and_others_do_not(int order)
    {
        using DisposeScope scope = NewDisposeScope();
        using RandomizedHadamard first = RandomizedHadamard.Create(order, 1), second = RandomizedHadamard.Create(order, 1), third = RandomizedHadamard.Create(order, 2);

        Assert.Equal(0, first.ToMatrix().sub(second.ToMatrix()).abs().max().ToDouble());
        Assert.NotEqual(0, first.ToMatrix().sub(third.ToMatrix()).abs().max().ToDouble());
    }

    [Theory]
    [InlineData(24)]
    [InlineData(26)]
    [InlineData(64)]
    public void Along_the_last_dimension_it_multiplies_by_the_transpose_at_the_right_and_along_the_first_at_the_left(int order)
    {
        using DisposeScope scope = NewDisposeScope();
        using RandomizedHadamard rotation = RandomizedHadamard.Create(order, 3);
        Tensor matrix = rotation.ToMatrix(), values = Drawn(ScalarType.Float64, order, order);
        Tensor right = values.clone(), left = values.clone(), middle = values.view(1, order, order).clone();

        rotation.Apply(right);
        rotation.Apply(left, 0);
        rotation.Apply(middle, 1);

        Assert.True(Difference(right, values.matmul(matrix.t())) < 1e-12);
        Assert.True(Difference(left, matrix.matmul(values)) < 1e-12);
        Assert.True(Difference(middle[0], left) < 1e-12);
    }

    [Theory]
    [InlineData(12), InlineData(26), InlineData(80), InlineData(172), InlineData(576), InlineData(896), InlineData(4096), InlineData(4864), InlineData(4096 * 20)]
    public void There_and_back_is_identity(int order)
    {
        using DisposeScope scope = NewDisposeScope();
        using RandomizedHadamard rotation = RandomizedHadamard.Create(order, 5);
        Tensor original = Drawn(ScalarType.Float32, 3, order).clamp(-1, 1), turned = original.clone();

        rotation.Apply(turned);
        Assert.True(Difference(turned, original) > 0.1);
        Assert.Equal(original.norm().ToDouble(), turned.norm().ToDouble(), 1e-4 * original.norm().ToDouble());
        rotation.ApplyInverse(turned);

        Assert.True(Difference(turned, original) <= 1e-6, $"{Difference(turned, original)}");
    }

    [Theory]
    [InlineData(24)]
    [InlineData(26)]
    public void Another_length_is_refused(int order)
    {
        using RandomizedHadamard rotation = RandomizedHadamard.Create(order, 1);
        using Tensor values = zeros(order, 5);

        Assert.Equal(
            $"Found shape [{order}, 5], expected dimension -1 of length {order}. (Parameter 'values')",
            Assert.Throws<ArgumentException>(() => rotation.Apply(values)).Message);
    }

    private static Tensor Drawn(ScalarType dtype, params long[] shape)
    {
        using Generator generator = new(17, CPU);
        return randn(shape, dtype: dtype, generator: generator);
    }

    private static double Difference(Tensor left, Tensor right) => left.sub(right).abs().max().ToDouble();
}
