using Pique.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Numerics;

public class RandomizedHadamardTests
{
    [Theory]
    [InlineData(24, true)]
    [InlineData(64, true)]
    [InlineData(52, false)]
    [InlineData(7, false)]
    public void The_matrix_is_orthogonal_and_says_whether_it_is_a_hadamard_matrix(int order, bool isHadamard)
    {
        using DisposeScope scope = NewDisposeScope();
        using RandomizedHadamard rotation = RandomizedHadamard.Create(order, seed: 9);

        Tensor product = rotation.Matrix.matmul(rotation.Matrix.t());

        Assert.Equal(isHadamard, rotation.IsHadamard);
        Assert.Equal(ScalarType.Float64, rotation.Matrix.dtype);
        Assert.True(product.sub(eye(order, dtype: ScalarType.Float64)).abs().max().ToDouble() < 1e-12);
        bool entriesAreEqual = rotation.Matrix.abs().sub(1 / Math.Sqrt(order)).abs().max().ToDouble() < 1e-12;
        Assert.Equal(isHadamard, entriesAreEqual);
    }

    [Theory]
    [InlineData(24)]
    [InlineData(52)]
    public void Equal_seeds_give_equal_matrices_and_others_do_not(int order)
    {
        using DisposeScope scope = NewDisposeScope();
        using RandomizedHadamard first = RandomizedHadamard.Create(order, 1), second = RandomizedHadamard.Create(order, 1), third = RandomizedHadamard.Create(order, 2);

        Assert.Equal(0, first.Matrix.sub(second.Matrix).abs().max().ToDouble());
        Assert.NotEqual(0, first.Matrix.sub(third.Matrix).abs().max().ToDouble());
    }
}
